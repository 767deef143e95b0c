#!/bin/sh
# Make .venv with the interpreter named, or with the first that runs and is 3.11 or later.
set -eu
for candidate in ${1:-python3.11 python3.12 python3.13 python3}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "making .venv with $("$candidate" --version)"
        "$candidate" -m venv .venv && exit 0
        echo ".venv could not be made: on Debian, apt-get install python3-venv" >&2
        exit 1
    fi
done
echo "Python must be 3.11 or later; none was found (name one: make PYTHON=/path/to/python3)" >&2
exit 1
