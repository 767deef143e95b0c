"""``live``: run a scenario in real time in front of a real engine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftsched.cli.arguments import add_scenario, scenario_of
from driftsched.cli.keep import add_keeping, keep
from driftsched.cli.live_options import add_engine, live_options
from driftsched.cli.output import print_json, tell
from driftsched.cli.progress import ProgressBar
from driftsched.cli.run import run_data, run_text
from driftsched.live.played import left_out
from driftsched.live.run import LiveRun
from driftsched.live.whole_run import run_live

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
    add_keeping(parser)


def run(args: argparse.Namespace) -> None:
    """Run live, keep what is to be kept, print a summary.

    Ctrl-C stops the run within a second; what was measured is kept, in the library where no folder
    is named.
    """
    scenario = scenario_of(args)
    options = live_options(
        args, slots=args.slots, time_scale=args.time_scale, temperature=args.temperature
    )
    if said := left_out(scenario):
        tell(said)
    with ProgressBar("running live") as bar:
        watch = _Watch(bar)
        result = run_live(scenario, options, progress=watch, observer=watch.announce)
    live = result.provenance["live"]
    if live["telemetry"]:
        tell(live["telemetry"])
    stopped = live["stop_asked_s"] is not None
    kept = keep(result, args, save=args.save or (stopped and args.out is None))
    if args.json:
        print_json(run_data(result) | _facts(result) | kept)
    else:
        print(run_text(result))
    if stopped:
        raise KeyboardInterrupt


class _Watch:
    """Tells what the engine turns out to be as soon as it is open, and moves the bar."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._run: LiveRun | None = None
        self._told = False

    def announce(self, run: LiveRun) -> None:
        """Take note of the run that begins."""
        self._run = run
        tell(f"opening the {run.options.engine.kind} engine")

    def __call__(self, share: float) -> None:
        facts = self._run.facts if self._run else None
        if facts and not self._told:
            self._told = True
            words = (facts.model, facts.server, facts.gpu)
            tell(f"the engine is ready: {', '.join(word for word in words if word)}")
            for note in facts.notes:
                tell(note)
        self._bar(share)


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
