"""``compare``: several policies on the same requests, over several seeds; or any saved runs."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from driftsched.cli.arguments import add_scenario, names_in, scenario_of, tell_trace, up_to
from driftsched.cli.compare_runs import add_beside, compare_runs, saved, write_policies
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar
from driftsched.cli.summary import about, estimation_summary, latency_heads, policy_summary
from driftsched.experiments import Comparison, compare
from driftsched.results import PairedChange, advice, replications_of
from driftsched.results.wording import with_interval
from driftsched.scheduling.policies import PAPER_POLICIES, POLICIES

SHARES = {"slo_attainment": "SLOs met (%)", "weighted_slo_attainment": "by weight (%)"}
SLOS = {"slo_attainment": "share of SLOs met", "request_goodput": "goodput"}
COUNTS = ("completed", "rejected", "failed")


def compare_command(parser: argparse.ArgumentParser) -> Action:
    """Compare policies, or saved runs, and print what can be told apart."""
    add_scenario(
        parser,
        what="a preset's name or a YAML file; or a saved run: its id in the library or its folder",
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="further saved runs")
    parser.add_argument(
        "--policies",
        help=f"separated by commas, of {', '.join(POLICIES)}; by default the paper's five",
    )
    parser.add_argument(
        "--seeds", type=up_to(10_000), default=1, metavar="N", help="how many (default 1)"
    )
    add_beside(parser)
    add_json(parser)
    return _compare


def _compare(args: argparse.Namespace) -> None:
    if args.runs or saved(args.scenario):
        compare_runs(args)
        return
    scenario = scenario_of(args)
    trace = tell_trace(scenario)
    policies = names_in(args.policies or ",".join(PAPER_POLICIES))
    with progress_bar("comparing") as progress:
        comparison = compare(scenario, policies, args.seeds, progress=progress)
    write_policies(args, scenario, policies)
    if args.json:
        print_json(_data(comparison) | trace)
    else:
        print(_text(comparison))


def _data(comparison: Comparison) -> dict[str, Any]:
    base, latencies = comparison.policies[0], latency_heads(comparison.scenario)
    return about(comparison.scenario) | {
        "seeds": comparison.seeds,
        "policies": {name: policy_summary(comparison, name) for name in comparison.policies},
        "estimation": estimation_summary(comparison),
        "against": base,
        "changes": {
            policy: {metric: _change(comparison, policy, metric) for metric in [*latencies, *SLOS]}
            for policy in comparison.policies[1:]
        },
        "replications_needed": {
            policy: {
                metric: replications_of(*comparison.pool(policy, metric)) for metric in latencies
            }
            for policy in comparison.policies
        },
    }


def _change(comparison: Comparison, policy: str, metric: str) -> dict[str, Any]:
    change = comparison.change(metric, policy, comparison.policies[0])
    return {
        "mean": change.mean,
        "low": change.low,
        "high": change.high,
        "verdict": _verdict(change, policy, metric),
    }


def _text(comparison: Comparison) -> str:
    scenario, seeds = comparison.scenario, comparison.seeds
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    first = next(iter(comparison.first.values()))
    parts = [
        f"{scenario.title or scenario.name}: {len(first.requests)} requests, "
        f"{scenario.engine.mode} batching, lengths in {scenario.estimator.unit}, {shown}",
        _policies(comparison),
        _estimates(comparison),
        _verdicts(comparison),
        _trust(comparison),
    ]
    return "\n\n".join(part for part in parts if part)


def _policies(comparison: Comparison) -> str:
    """Figures with their intervals: latencies in seconds, counts, SLOs met in percent."""
    heads = latency_heads(comparison.scenario)
    scales = dict.fromkeys(heads, 1e-3) | dict.fromkeys(COUNTS, 1.0) | dict.fromkeys(SHARES, 100.0)
    rows = [
        [policy]
        + [
            with_interval(*(scale * end for end in comparison.interval(policy, metric)))
            for metric, scale in scales.items()
        ]
        for policy in comparison.policies
    ]
    names = (f"{head} (s)" for head in heads.values())
    return aligned(["policy", *names, *COUNTS, *SHARES.values()], rows)


def _estimates(comparison: Comparison) -> str:
    unit = comparison.scenario.estimator.unit
    rows = []
    for name in map(str, comparison.estimation["compensator"].unique()):
        errors = [with_interval(*comparison.error_interval(m, name)) for m in ("mae", "rmse")]
        changes = [comparison.error_change(measure, name) for measure in ("mae", "rmse")]
        rows.append([name, *errors, *("–" if name == "none" else _signed(c) for c in changes)])
    return aligned(["estimates", f"MAE ({unit})", f"RMSE ({unit})", "MAE (%)", "RMSE (%)"], rows)


def _signed(change: PairedChange) -> str:
    return with_interval(*(100 * end for end in (change.mean, change.low, change.high)))


def _verdicts(comparison: Comparison) -> str:
    """What can be said about each policy against the first one, a line each."""
    base = comparison.policies[0]
    lines = [
        _verdict(comparison.change(metric, policy, base), policy, metric)
        for policy in comparison.policies[1:]
        for metric in ("p50_e2el_ms", "p99_e2el_ms")
        if metric in comparison.metrics
    ]
    return "\n  ".join([f"Against {base}:", *lines]) if lines else ""


def _verdict(change: PairedChange, policy: str, metric: str) -> str:
    figure, _, measure = metric.removesuffix("_ms").partition("_")
    level = "median" if figure == "p50" else figure.replace("p", "P", 1)
    kinds = {"e2el": f"{level} latency", "ttft": f"{figure} time to the first token"}
    subject = f"{policy}'s {SLOS.get(metric) or kinds[measure]}"
    said = change.verdict(subject)
    return said if said.startswith(subject) else f"{subject}: {said}"


def _trust(comparison: Comparison) -> str:
    """What the interval is, and how many seeds the tail needs under the policy known least."""
    if len(comparison.seeds) < 2:
        return "One seed has no interval: --seeds 10 gives one."
    level = max(comparison.scenario.metrics.percentiles)
    metric = f"p{level:.10g}_e2el_ms"
    found = {p: comparison.estimate(p, metric) for p in comparison.policies}
    worst = max(found, key=lambda p: np.nan_to_num(found[p].precision, nan=-1.0))
    return "In brackets: 95 % interval over the seeds. " + (
        advice(*comparison.pool(worst, metric), f"P{level:g} under {worst}") + "."
    )
