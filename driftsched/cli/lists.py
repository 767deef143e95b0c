"""What there is to run and to look at: the presets, a scenario's schema, the saved runs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Hashable
from typing import Any

import numpy as np

from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, tell
from driftsched.core.errors import InputError
from driftsched.live.journal import save_left_behind
from driftsched.results import RunLibrary
from driftsched.results.wording import seconds
from driftsched.scenario import json_schema, load_scenario, preset_names, preset_path

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
COLUMNS = ("run", "saved (UTC)", "policy", "engine", "requests", "P50 E2E", "P99 E2E")


def library_command(parser: argparse.ArgumentParser) -> Action:
    """List the saved runs, the newest first, or delete some."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "delete"), default="list", help="list by default"
    )
    parser.add_argument("run", nargs="*", help="delete: ids of saved runs")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument(
        "--recover",
        action="store_true",
        help="first save what live runs had whose program was ended before it could",
    )
    add_json(parser)
    return _library


def _library(args: argparse.Namespace) -> None:
    if args.recover:
        for said in save_left_behind():
            tell(said)
    library = RunLibrary()
    if args.action == "delete":
        _delete(library, args)
    elif args.run or args.yes:
        raise InputError("library list takes neither runs nor --yes: `library delete` does")
    else:
        _list(library, args.json)


def _list(library: RunLibrary, as_json: bool) -> None:
    runs = library.list().to_dict(orient="records")
    if as_json:
        print_json({"home": str(library.home), "runs": runs})
    elif not runs:
        print(f"No saved run in {library.home}. `run --save` keeps one.")
    else:
        head, *lines = aligned(COLUMNS, [_cells(row) for row in runs]).splitlines()
        titles = [_title(row) for row in runs]
        print("\n".join([f"{head}  title", *map("  ".join, zip(lines, titles, strict=True))]))


def _title(row: dict[Hashable, Any]) -> str:
    if row["damage"]:
        return f"damaged: {row['damage']}"
    # What a terminal would take for a command to itself is shown as a sign.
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(row["title"]) or str(row["scenario"]))


def _delete(library: RunLibrary, args: argparse.Namespace) -> None:
    """Delete all the runs named or, where one is not known, none; ask before."""
    runs = list(dict.fromkeys(args.run))
    if not runs:
        raise InputError("library delete needs the id of at least one saved run, got none")
    if not args.yes:
        if not sys.stdin.isatty():
            raise InputError("library delete must have --yes where nobody can be asked")
        tell(f"Delete for good: {', '.join(runs)}? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise InputError("library delete was not confirmed; nothing is deleted")
    library.delete(*runs)
    tell(f"deleted: {', '.join(runs)}")
    if args.json:
        print_json({"deleted": runs})


def _cells(row: dict[Hashable, Any]) -> list[str]:
    if row["damage"]:
        return [str(row["run_id"]), *["–"] * (len(COLUMNS) - 1)]
    latencies = (row["median_e2el_ms"], row["p99_e2el_ms"])
    return [
        str(row["run_id"]),
        str(row["saved_utc"])[:16].replace("T", " "),
        *(str(row[name]) for name in ("policy", "engine", "requests")),
        *(seconds(np.nan if latency is None else latency) for latency in latencies),
    ]


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
