"""``twin``: simulate a live run as it happened, and say how far the simulation is off."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path
from typing import Any

from driftsched.cli.arguments import load_run, names_in
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, tell
from driftsched.experiments.twin import Twin, build_twin, twin_warnings
from driftsched.live.calibration import calibrate_run
from driftsched.live.hardware_entry import entry_of, read_entry, warnings_of
from driftsched.results import RunResult, summarise
from driftsched.results.wording import seconds
from driftsched.scheduling.policies import POLICIES

NAMES = {"ttft": "TTFT", "tpot": "TPOT", "e2el": "E2E"}


def twin_command(parser: argparse.ArgumentParser) -> Action:
    """Simulate a live run again and print both."""
    parser.add_argument("run", help="the live run: a folder or an id in the library")
    parser.add_argument(
        "--cost",
        type=Path,
        metavar="FILE",
        help="a hardware entry that `calibrate` wrote; without it, from the run itself",
    )
    parser.add_argument(
        "--policies", default="", help="what would it have been under these: fifo,sjf,…, or all"
    )
    add_json(parser)
    return _twin


def _twin(args: argparse.Namespace) -> None:
    live = load_run(args.run)
    named = names_in(args.policies)
    policies = list(POLICIES) if named == ["all"] else named
    for name in policies:
        POLICIES[name]
    entry = read_entry(args.cost) if args.cost else entry_of(calibrate_run(live))
    if args.cost is None:
        tell("calibrated from the run itself: another run would test the entry better")
    twin = build_twin(
        live, entry.cost, handover_iterations=entry.handover_iterations, policies=policies
    )
    warnings = [*warnings_of(entry.fit), *twin_warnings(twin)]
    for warning in warnings:
        tell(warning)
    if twin.left_out:
        tell(f"{twin.left_out} requests that did not finish are not compared")
    if args.json:
        cost = entry.cost.model_dump(mode="json")
        print_json(_data(twin) | {"cost": cost, "fit": entry.fit, "warnings": warnings})
    else:
        print(_text(twin))


def _data(twin: Twin) -> dict[str, Any]:
    errors = twin.errors()
    return {
        "scenario": twin.live.scenario.name,
        "policy": twin.live.scenario.policy.kind,
        "requests": len(twin.live.requests),
        "left_out": twin.left_out,
        "errors": {
            metric: {
                f"p{row['percentile']:g}": {
                    name: row[name] for name in ("live_ms", "twin_ms", "error")
                }
                for row in mine.to_dict(orient="records")
            }
            for metric, mine in errors.groupby("metric", sort=False)
        },
        "queue": twin.queue_error(),
        "policies": {name: _summary(other) for name, other in twin.others.items()},
    }


def _summary(run: RunResult) -> dict[str, Any]:
    # Always P50 and P99, whatever percentiles the scenario asks for.
    metrics = run.scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})
    found = summarise(run.requests, run.scenario.model_copy(update={"metrics": metrics}))
    wanted = ("p50_e2el_ms", "p99_e2el_ms", "mean_e2el_ms", "mean_ttft_ms", "completed")
    return {name: found[name] for name in wanted}


def _text(twin: Twin) -> str:
    rows = [
        [
            f"{NAMES[str(row['metric'])]} P{row['percentile']:g}",
            seconds(row["live_ms"]),
            seconds(row["twin_ms"]),
            f"{100 * row['error']:+.1f} %" if isfinite(row["error"]) else "–",
        ]
        for row in twin.errors().to_dict(orient="records")
    ]
    queue = twin.queue_error()
    parts = [
        aligned(["", "live", "simulated", "error"], rows),
        f"waiting requests: live {queue['live_mean']:.2f}, simulated {queue['twin_mean']:.2f} in "
        f"the mean, {queue['mean_difference']:.2f} apart",
    ]
    if twin.others:
        own = twin.live.scenario.policy.kind
        runs = {f"{own} (live)": twin.live, f"{own} (simulated)": twin.twin, **twin.others}
        found = {name: _summary(one) for name, one in runs.items()}
        heads = {"p50_e2el_ms": "P50 E2E", "p99_e2el_ms": "P99 E2E", "mean_ttft_ms": "mean TTFT"}
        rows = [[name, *(seconds(one[key]) for key in heads)] for name, one in found.items()]
        parts.append(aligned(["policy", *heads.values()], rows))
    return "\n\n".join(parts)
