"""``live``: run a scenario in real time in front of a real engine."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from driftsched.cli.arguments import add_scenario, scenario_of
from driftsched.cli.main import Action
from driftsched.cli.output import print_json, progress_bar, tell
from driftsched.cli.run import add_keeping, keep, run_data, run_text
from driftsched.core.errors import InputError, RunError
from driftsched.live import ENGINES, LiveOptions
from driftsched.live.journal import journal_of, journal_path, left_behind
from driftsched.live.run import LiveRun, run_live
from driftsched.live.traffic import left_out
from driftsched.results import RunResult
from driftsched.scenario import apply_overrides
from driftsched.scenario.messages import one_line


def live_command(parser: argparse.ArgumentParser) -> Action:
    """Run live, keep what is to be kept, print a summary.

    Ctrl-C stops the run within a second, as do SIGTERM and SIGHUP; what was measured is kept, in
    the library where no folder is named.
    """
    add_scenario(parser, policy=True)
    add_engine(parser)
    parser.add_argument("--slots", type=int, help="requests in the engine at once, at most")
    parser.add_argument("--time-scale", type=float, help="2 plays twice as slowly")
    parser.add_argument("--temperature", type=float, help="of the sampling, 0 is greedy")
    add_keeping(parser)
    return _live


def _live(args: argparse.Namespace) -> None:
    scenario = scenario_of(args)
    options = live_options(
        args, slots=args.slots, time_scale=args.time_scale, temperature=args.temperature
    )
    if said := left_out(scenario):
        tell(said)
    if cut_off := len(left_behind()):
        tell(f"{cut_off} live runs were cut off before: `library --recover` saves what they had")
    with progress_bar("running live") as bar:
        watch = _Watch(bar)
        with watch.stopped_by_signals():
            result = run_live(
                scenario,
                options,
                journal=journal_path(),
                progress=watch,
                observer=watch.announce,
            )
            _keep_and_print(result, args)
    if result.provenance["live"]["stop_asked_s"] is not None:
        raise KeyboardInterrupt


def _keep_and_print(result: RunResult, args: argparse.Namespace) -> None:
    """Print the figures in any case; rows that cannot be kept where they should stay here."""
    journal = journal_of(result)
    live = result.provenance["live"]
    for said in (live["telemetry"], live.get("journal_failure")):
        if said:
            tell(said)
    stopped = live["stop_asked_s"] is not None
    kept: dict[str, str] = {}
    failed: RunError | None = None
    try:
        kept = keep(result, args, save=args.save or (stopped and args.out is None))
    except RunError as error:
        failed = error
    if args.json:
        print_json(run_data(result) | _facts(result) | kept)
    else:
        print(run_text(result))
    if failed:
        raise failed
    if journal:
        journal.unlink(missing_ok=True)


class _Watch:
    """Tells what the engine turns out to be as soon as it is open, and moves the bar."""

    def __init__(self, bar: Callable[[float], None]) -> None:
        self._bar = bar
        self._run: LiveRun | None = None
        self._told = False

    def announce(self, run: LiveRun) -> None:
        """Take note of the run that begins."""
        self._run = run
        tell(f"opening the {run.options.engine.kind} engine")

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """Let what asks a program to end, or takes its terminal away, stop the run like Ctrl-C."""
        before = {
            number: signal.signal(number, self._stop)
            for number in (signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) is not signal.SIG_IGN  # as under nohup
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        if self._run:
            self._run.cancel()

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


def add_engine(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the arguments."""
    parser.add_argument("--engine", required=required, help=", ".join(ENGINES))
    parser.add_argument(
        "--model", help="torch: a hub name, folder or GGUF file (random weights without it)"
    )
    parser.add_argument(
        "--endpoint",
        action="append",
        default=[],
        metavar="URL",
        help="openai: base address such as http://127.0.0.1:8000/v1; several are replicas",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="any other option of a live run: engine.device=cpu, timeout_s=60; may be repeated",
    )


def live_options(args: argparse.Namespace, **more: Any) -> LiveOptions:
    """Build the options, `more` by name where not None; raises an ``InputError`` of one line."""
    ENGINES[args.engine]
    engine: dict[str, Any] = {"kind": args.engine}
    if args.model is not None:
        engine["model"] = args.model
    if args.endpoint:
        if args.engine != "openai":
            raise InputError(f"--endpoint is for the openai engine, got --engine {args.engine}")
        engine["endpoints"] = args.endpoint
    given = {name: value for name, value in more.items() if value is not None}
    data = apply_overrides({"engine": engine, **json.loads(json.dumps(given))}, args.option)
    try:
        return LiveOptions.model_validate(data)
    except ValidationError as error:
        said = one_line(error, LiveOptions).replace("a field of a scenario", "an option")
        # The kind of engine stands between the two where pydantic chose it.
        raise InputError(said.replace(f"engine.{args.engine}.", "engine.", 1)) from None
