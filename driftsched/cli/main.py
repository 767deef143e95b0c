"""The commands, and what an error, Ctrl-C or a closed pipe become."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeAlias, cast

from driftsched import TOP, __version__
from driftsched.core.errors import DriftSchedError, InputError
from driftsched.core.registry import Registry

Action: TypeAlias = Callable[[argparse.Namespace], None]
"""Does a command: prints to stdout, raises an `InputError` for what the user got wrong."""
Setup: TypeAlias = Callable[[argparse.ArgumentParser], Action]
"""Adds a command's arguments to its parser and returns what does the command."""

PROGRAM = "driftsched" if Path(sys.argv[0]).stem == "driftsched" else "python -m driftsched"
EPILOG = (
    "exit codes: 0 done; 1 the run or its files could not be made; 2 bad input; 130 stopped by "
    "Ctrl-C. Errors are one line on stderr."
)


class Command(NamedTuple):
    """Where a command's `Setup` stands, and one line that says what the command does."""

    function: str
    summary: str

    def load(self) -> Setup:
        """Import the function; this is not done before its command is called."""
        module, _, name = self.function.partition(":")
        return cast("Setup", getattr(import_module(f"driftsched.cli.{module}"), name))


COMMANDS: Registry[Command] = Registry("command")
COMMANDS.add("run", Command("run:run_command", "simulate a scenario once"))
COMMANDS.add("compare", Command("compare:compare_command", "several policies, the same requests"))
COMMANDS.add("export", Command("export:export_command", "a run as CSV, Parquet, ZIP, HTML report"))
COMMANDS.add("live", Command("live:live_command", "the same in front of a real engine"))
COMMANDS.add("calibrate", Command("calibrate:calibrate_command", "measure an engine's cost"))
COMMANDS.add("twin", Command("twin:twin_command", "a live run beside its simulation"))
COMMANDS.add("fit", Command("fit:fit_command", "a recorded trace as a fitted scenario"))
COMMANDS.add("paper", Command("paper:paper_command", "the published claims, and ours"))
COMMANDS.add("lab", Command("lab:lab_command", "drift compensators on streams of lengths"))
COMMANDS.add("worth", Command("worth:worth_command", "what better estimates would change"))
COMMANDS.add("capacity", Command("capacity:capacity_command", "the highest load, the fewest GPUs"))
COMMANDS.add("sweep", Command("sweep:sweep_command", "many scenarios: parameters × values"))
COMMANDS.add("tune", Command("tune:tune_command", "search parameters, judge them on unseen seeds"))
COMMANDS.add("studio", Command("main:studio_command", "the studio itself, in the browser"))
COMMANDS.add("library", Command("library:library_command", "saved runs: list, tag, delete, ZIP"))
COMMANDS.add("presets", Command("lists:presets_command", "the scenarios that come with it"))
COMMANDS.add("schema", Command("lists:schema_command", "JSON schema of a scenario file"))


def studio_command(parser: argparse.ArgumentParser) -> Action:
    """Start the studio's server and open it in the browser."""
    parser.add_argument("--port", type=int, default=8501, help="of the server (default 8501)")
    parser.add_argument(
        "--address",
        default="127.0.0.1",
        help="where it listens; by default this machine alone, 0.0.0.0: for whoever reaches it",
    )
    parser.add_argument(
        "--host",
        action="append",
        metavar="NAME",
        help="a name that browsers ask for, beside localhost; may be repeated; without any, a "
        "server with an --address of its own answers to every name",
    )
    parser.add_argument(
        "options",
        nargs="*",
        metavar="-- OPTION",
        help="options of `streamlit run`: -- --server.headless=true",
    )
    return _become_streamlit


def studio_arguments(args: argparse.Namespace) -> list[str]:
    """Arguments of Python for the studio's server."""
    hosts = ["localhost", "127.0.0.1", *(args.host or [])]
    if args.address not in hosts and args.host is None:
        hosts = ["*"]
    return [
        *("-m", "streamlit", "run", str(TOP / "app.py")),
        *(f"--server.port={args.port}", f"--server.address={args.address}"),
        *(f"--server.allowedHosts={host}" for host in hosts),
        *args.options,
    ]


def _become_streamlit(args: argparse.Namespace) -> None:
    # signals and the exit code are then the server's own
    os.execv(sys.executable, [sys.executable, *studio_arguments(args)])  # noqa: S606  no shell meant


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        words = message.removeprefix("argument ")
        raise InputError(f"{words} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, of `argv` or the process's own arguments, and return the exit code.

    0 done, 1 the run could not be carried out or written, 2 bad input, 130 stopped by Ctrl-C, 141
    where nobody reads stdout any more.
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
        parser = Parser(
            prog=f"{PROGRAM} {argv[0]}",
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=EPILOG,
            allow_abbrev=False,
        )
        action = command.load()(parser)
        action(parser.parse_args(argv[1:]))
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
