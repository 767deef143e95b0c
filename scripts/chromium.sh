#!/bin/sh
# Find a Chromium for the browser tests; as root on Debian or Ubuntu, install one.
set -eu
find_one() {
    for name in "${DRIFTSCHED_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        [ -n "$name" ] && command -v "$name" && return 0
    done
    return 1
}
find_one >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing chromium" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null
    find_one >/dev/null && exit 0
fi
echo "no Chromium found: install it, or name it in DRIFTSCHED_CHROMIUM" >&2
exit 1
