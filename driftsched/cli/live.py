"""``live``: run a scenario in real time in front of a real engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftsched.cli.arguments import add_scenario, scenario_of
from driftsched.cli.live_options import add_engine, live_options
from driftsched.cli.output import print_json, tell
from driftsched.cli.progress import ProgressBar
from driftsched.cli.run import run_data, run_text
from driftsched.live.run import LiveRun, run_live
from driftsched.results import RunLibrary, write_parquet

if TYPE_CHECKING:
    from driftsched.results import RunResult

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_scenario(parser, policy=True)
    add_engine(parser)
    parser.add_argument("--slots", type=int, help="requests in the engine at once, at most")
    parser.add_argument("--time-scale", type=float, help="2 plays twice as slowly")
    parser.add_argument("--temperature", type=float, help="of the sampling, 0 is greedy")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write the tables here as Parquet"
    )
    parser.add_argument("--save", action="store_true", help="keep the run in the library")
    parser.add_argument("--title", default="", help="of the saved run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    """Run live, keep what is to be kept, print a summary.

    Ctrl-C stops the run within a second; what was measured is kept, in the library where no folder
    is named.
    """
    scenario = scenario_of(args)
    options = live_options(
        args, slots=args.slots, time_scale=args.time_scale, temperature=args.temperature
    )
    with ProgressBar("running live") as progress:
        result = run_live(scenario, options, progress=progress, observer=_announce)
    live = result.provenance["live"]
    _say(live)
    stopped = live["stop_asked_s"] is not None
    kept: dict[str, Any] = {}
    if args.out is not None:
        write_parquet(result, args.out)
        kept["out"] = str(args.out)
        tell(f"written to {args.out}")
    if args.save or (stopped and args.out is None):
        kept["run_id"] = RunLibrary().save(result, args.title)
        tell(f"saved as {kept['run_id']}")
    if args.json:
        print_json(run_data(result) | _facts(result) | kept)
    else:
        print(run_text(result))
    if stopped:
        raise KeyboardInterrupt


def _announce(run: LiveRun) -> None:
    tell(f"opening the {run.options.engine.kind} engine")


def _say(live: dict[str, Any]) -> None:
    """Tell what the engine turned out to be, and whether a GPU was read."""
    engine = live["engine"]
    if engine:
        tell(", ".join(str(engine[name]) for name in ("model", "server", "gpu") if engine[name]))
        for note in engine["notes"]:
            tell(note)
    if live["telemetry"]:
        tell(live["telemetry"])


def _facts(result: RunResult) -> dict[str, Any]:
    live = result.provenance["live"]
    return {
        "engine": live["engine"],
        "telemetry": live["telemetry"],
        "slots": live["slots"],
        "stopped": live["stop_asked_s"] is not None,
        "timed_out": int((result.requests["status"] == "timed_out").sum()),
        "cancelled": int((result.requests["status"] == "cancelled").sum()),
    }
