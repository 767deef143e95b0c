"""The entry: which command, and what an error, Ctrl-C or a closed pipe become."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from driftsched import __version__
from driftsched.cli.commands import COMMANDS
from driftsched.core.errors import DriftSchedError, InputError

__all__ = ["main"]

PROGRAM = "driftsched" if Path(sys.argv[0]).stem == "driftsched" else "python -m driftsched"
EPILOG = (
    "exit codes: 0 done; 1 the run or its files could not be made; 2 bad input; 130 stopped by "
    "Ctrl-C. Errors are one line on stderr."
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        words = message.removeprefix("argument ")
        raise InputError(f"{words} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default the process's own.

    Returns
    -------
    int
        Exit code: 0 done, 1 the run could not be carried out or written, 2 bad input, 130 stopped
        by Ctrl-C, 141 where nobody reads stdout any more.
    """
    try:
        _call(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except DriftSchedError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except BrokenPipeError:
        # Python flushes stdout once more at its end, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _call(argv: list[str]) -> None:
    if argv and not argv[0].startswith("-"):
        command = COMMANDS[argv[0]]
        module = command.load()
        parser = Parser(
            prog=f"{PROGRAM} {argv[0]}",
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=EPILOG,
            allow_abbrev=False,
        )
        module.add_arguments(parser)
        module.run(parser.parse_args(argv[1:]))
        return
    listed = "\n".join(f"  {name:<10} {command.summary}" for name, command in COMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND …",
        description=f"DriftSched Studio without a browser.\n\ncommands:\n{listed}",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"driftsched {__version__}")
    parser.parse_args(argv)
    parser.error(f"command must be one of {', '.join(COMMANDS)}, got none")
