"""``schema``: the JSON schema of a scenario file, for editors that check and complete."""

from __future__ import annotations

import argparse

from driftsched.cli.output import print_json
from driftsched.scenario import json_schema

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""


def run(args: argparse.Namespace) -> None:  # noqa: ARG001  it has no arguments
    """Print the schema."""
    print_json(json_schema())
