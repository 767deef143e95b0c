"""The commands by name. A new one is one module beside this one and one line below.

A module has two functions: ``add_arguments(parser)``, and ``run(args)``, which prints to stdout and
raises an `InputError` for what the user got wrong. It is imported only when its command is called.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from driftsched.core.registry import Registry

__all__ = ["COMMANDS", "Command", "CommandModule"]


class CommandModule(Protocol):
    """What the module of a command defines."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    @staticmethod
    def run(args: argparse.Namespace) -> None:
        """Do it."""


class Command(NamedTuple):
    """Where a command lives, and one line that says what it does."""

    module: str
    summary: str

    def load(self) -> CommandModule:
        """Import the command's module."""
        return cast("CommandModule", import_module(self.module))


COMMANDS: Registry[Command] = Registry("command")
COMMANDS.add("run", Command("driftsched.cli.run", "simulate a scenario once"))
COMMANDS.add("compare", Command("driftsched.cli.compare", "several policies, the same requests"))
COMMANDS.add("export", Command("driftsched.cli.export", "a run as CSV, Parquet, ZIP, HTML report"))
COMMANDS.add("live", Command("driftsched.cli.live", "the same in front of a real engine"))
COMMANDS.add("calibrate", Command("driftsched.cli.calibrate", "measure an engine's cost"))
COMMANDS.add("twin", Command("driftsched.cli.twin", "a live run beside its simulation"))
COMMANDS.add("fit", Command("driftsched.cli.fit", "a recorded trace as a fitted scenario"))
COMMANDS.add("studio", Command("driftsched.cli.studio", "the studio itself, in the browser"))
COMMANDS.add("library", Command("driftsched.cli.library", "the saved runs, with their ids"))
COMMANDS.add("presets", Command("driftsched.cli.presets", "the scenarios that come with it"))
COMMANDS.add("schema", Command("driftsched.cli.schema", "JSON schema of a scenario file"))
