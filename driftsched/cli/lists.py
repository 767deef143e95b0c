"""What there is to run: the presets, a scenario's schema."""

from __future__ import annotations

import argparse

from driftsched.cli.main import Action
from driftsched.cli.output import add_json, print_json
from driftsched.scenario import json_schema, load_scenario, preset_names, preset_path


def presets_command(parser: argparse.ArgumentParser) -> Action:
    """List the presets, or print one of them to start from."""
    parser.add_argument("name", nargs="?", help="print this preset's YAML")
    add_json(parser)
    return _presets


def _presets(args: argparse.Namespace) -> None:
    if args.name is not None:
        path = preset_path(args.name)
        if args.json:
            print_json(load_scenario(args.name).model_dump(mode="json", by_alias=True))
        else:
            print(path.read_text(encoding="utf-8"), end="")
        return
    presets = [(name, load_scenario(name)) for name in preset_names()]
    if args.json:
        rows = [{"name": n, "title": one.title, "question": one.question} for n, one in presets]
        print_json({"presets": rows})
        return
    width = max(len(name) for name, _ in presets)
    for name, scenario in presets:
        print(f"{name:<{width}}  {scenario.title}\n{'':<{width}}  {scenario.question}")


def schema_command(parser: argparse.ArgumentParser) -> Action:  # noqa: ARG001  it has no arguments
    """Print the JSON schema of a scenario file, for editors that check and complete."""
    return lambda _: print_json(json_schema())
