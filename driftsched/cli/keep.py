"""Where a run is kept: options and writing, the same for simulated and live runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from driftsched.cli.output import tell
from driftsched.results import RunLibrary, write_parquet

if TYPE_CHECKING:
    from driftsched.results import RunResult

__all__ = ["add_keeping", "keep"]


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Add where the run is kept, and how it is printed."""
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write the tables here as Parquet"
    )
    parser.add_argument("--save", action="store_true", help="keep the run in the library")
    parser.add_argument("--title", default="", help="of the saved run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def keep(result: RunResult, args: argparse.Namespace, *, save: bool) -> dict[str, str]:
    """Write a run's tables where ``--out`` says, and into the library where `save`.

    Returns
    -------
    dict
        out and run_id, as far as it was kept there.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    kept = {}
    if args.out is not None:
        write_parquet(result, args.out)
        kept["out"] = str(args.out)
        tell(f"written to {args.out}")
    if save:
        kept["run_id"] = RunLibrary().save(result, args.title)
        tell(f"saved as {kept['run_id']}")
    return kept
