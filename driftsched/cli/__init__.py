"""The command line. A new command is one module here and one line in `commands`."""

from driftsched.cli.main import main

__all__ = ["main"]
