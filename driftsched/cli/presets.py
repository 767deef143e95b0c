"""``presets``: the scenarios that come with it, or one of them as YAML to start from."""

from __future__ import annotations

import argparse

from driftsched.cli.output import print_json
from driftsched.scenario import load_scenario, preset_names, preset_path

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", help="print this preset's YAML")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    """List the presets, or print one."""
    if args.name is not None:
        path = preset_path(args.name)
        if args.json:
            print_json(load_scenario(args.name).model_dump(mode="json", by_alias=True))
        else:
            print(path.read_text(encoding="utf-8"), end="")
        return
    presets = {name: load_scenario(name) for name in preset_names()}
    if args.json:
        print_json(
            {
                "presets": [
                    {"name": name, "title": scenario.title, "question": scenario.question}
                    for name, scenario in presets.items()
                ]
            }
        )
        return
    width = max(map(len, presets))
    for name, scenario in presets.items():
        print(f"{name:<{width}}  {scenario.title}\n{'':<{width}}  {scenario.question}")
