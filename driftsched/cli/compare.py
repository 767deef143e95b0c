"""``compare``: several policies on the same requests, over several seeds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftsched.cli.arguments import add_scenario, scenario_of, seed_count
from driftsched.cli.output import aligned, print_json, share
from driftsched.cli.progress import ProgressBar
from driftsched.cli.summary import about, estimation_summary, policy_summary
from driftsched.cli.traffic import trace_report
from driftsched.experiments import compare
from driftsched.results.report_parts import seconds
from driftsched.scheduling.policies import POLICIES

if TYPE_CHECKING:
    from driftsched.experiments import Comparison

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_scenario(parser)
    parser.add_argument(
        "--policies",
        default=",".join(POLICIES),
        help=f"separated by commas; by default all: {', '.join(POLICIES)}",
    )
    parser.add_argument(
        "--seeds", type=seed_count, default=1, metavar="N", help="how many (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> None:
    """Compare and print."""
    scenario = scenario_of(args)
    policies = [name.strip() for name in args.policies.split(",") if name.strip()]
    trace = trace_report(scenario)
    with ProgressBar("comparing") as progress:
        comparison = compare(scenario, policies, args.seeds, progress=progress)
    if args.json:
        print_json(_data(comparison) | ({"trace": trace} if trace else {}))
    else:
        print(_text(comparison))


def _data(comparison: Comparison) -> dict[str, Any]:
    base = comparison.policies[0]
    data = about(comparison.scenario) | {
        "seeds": comparison.seeds,
        "policies": {name: policy_summary(comparison, name) for name in comparison.policies},
        "estimation": estimation_summary(comparison),
        "against": base,
        "changes": {},
    }
    for policy in comparison.policies[1:]:
        data["changes"][policy] = {
            metric: {"mean": change.mean, "low": change.low, "high": change.high}
            for metric in _latencies(comparison)
            for change in [comparison.change(metric, policy, base)]
        }
    return data


def _latencies(comparison: Comparison) -> list[str]:
    """Percentiles of the end-to-end latency, and the mean time to the first token."""
    levels = sorted({50.0, *comparison.scenario.metrics.percentiles})
    return [*(f"p{level:.10g}_e2el_ms" for level in levels), "mean_ttft_ms"]


def _text(comparison: Comparison) -> str:
    scenario, seeds = comparison.scenario, comparison.seeds
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    first = next(iter(comparison.first.values()))
    parts = [
        f"{scenario.title or scenario.name}: {len(first.requests)} requests, "
        f"{scenario.engine.mode} batching, lengths in {scenario.estimator.unit}, {shown}",
        _policies(comparison),
        _estimates(comparison),
    ]
    verdicts = _verdicts(comparison)
    return "\n\n".join([*parts, verdicts] if verdicts else parts)


def _policies(comparison: Comparison) -> str:
    metrics = _latencies(comparison)
    words = {"mean_ttft_ms": "mean TTFT"}
    names = [words.get(m) or f"{m.removesuffix('_e2el_ms').upper()} E2E" for m in metrics]
    counts = ("completed", "rejected", "failed")
    rows = []
    for policy in comparison.policies:
        cells = [seconds(comparison.interval(policy, metric)[0]) for metric in metrics]
        cells += [f"{comparison.interval(policy, count)[0]:.6g}" for count in counts]
        goals = comparison.interval(policy, "slo_attainment")[0]
        rows.append([policy, *cells, share(goals)])
    return aligned(["policy", *names, *counts, "SLOs met"], rows)


def _estimates(comparison: Comparison) -> str:
    unit = comparison.scenario.estimator.unit
    summary = estimation_summary(comparison)
    rows = []
    for name, errors in summary.items():
        if not isinstance(errors, dict):
            continue
        changes = [-100 * errors[f"{measure}_reduction"] for measure in ("mae", "rmse")]
        rows.append(
            [name, f"{errors['mae']:.1f}", f"{errors['rmse']:.1f}"]
            + ["–" if name == "none" or c != c else f"{c:+.1f} %" for c in changes]
        )
    return aligned(["estimates", f"MAE ({unit})", f"RMSE ({unit})", "MAE", "RMSE"], rows)


def _verdicts(comparison: Comparison) -> str:
    """What can be said about each policy against the first one, a line each."""
    base = comparison.policies[0]
    lines = []
    for policy in comparison.policies[1:]:
        for metric, words in (("p50_e2el_ms", "median"), ("p99_e2el_ms", "P99")):
            if metric in comparison.metrics:
                subject = f"{policy}'s {words} latency"
                said = comparison.change(metric, policy, base).verdict(subject)
                lines.append(said if said.startswith(subject) else f"{subject}: {said}")
    return "\n  ".join([f"Against {base}:", *lines]) if lines else ""
