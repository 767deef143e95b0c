"""``python -m driftsched``: everything the studio does, without a browser."""

import sys

from driftsched.cli import main

if __name__ == "__main__":
    sys.exit(main())
