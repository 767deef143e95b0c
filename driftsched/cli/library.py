"""``library``: the saved runs, for ``export``, ``twin`` and ``calibrate`` to name."""

from __future__ import annotations

import argparse
from collections.abc import Hashable
from typing import Any

import numpy as np

from driftsched.cli.output import aligned, print_json
from driftsched.results import RunLibrary
from driftsched.results.report_parts import seconds

__all__ = ["add_arguments", "run"]

COLUMNS = ("run", "saved (UTC)", "policy", "engine", "requests", "P50 E2E", "P99 E2E")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    """List the saved runs, the newest first."""
    library = RunLibrary()
    runs = library.list().to_dict(orient="records")
    if args.json:
        print_json({"home": str(library.home), "runs": runs})
    elif not runs:
        print(f"No saved run in {library.home}. `run --save` keeps one.")
    else:
        head, *lines = aligned(COLUMNS, [_cells(row) for row in runs]).splitlines()
        titles = [str(row["title"]) or str(row["scenario"]) for row in runs]
        print("\n".join([f"{head}  title", *map("  ".join, zip(lines, titles, strict=True))]))


def _cells(row: dict[Hashable, Any]) -> list[str]:
    latencies = (row["median_e2el_ms"], row["p99_e2el_ms"])
    return [
        str(row["run_id"]),
        str(row["saved_utc"])[:16].replace("T", " "),
        *(str(row[name]) for name in ("policy", "engine", "requests")),
        *(seconds(np.nan if latency is None else latency) for latency in latencies),
    ]
