"""``run``: one run under one policy; printed, written to a folder, or kept in the library."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftsched.cli.arguments import add_scenario, scenario_of
from driftsched.cli.keep import add_keeping, keep
from driftsched.cli.output import aligned, print_json, share
from driftsched.cli.progress import ProgressBar
from driftsched.cli.summary import about, scope_summary
from driftsched.cli.traffic import trace_report
from driftsched.results import (
    WithinRun,
    energy_summary,
    estimation_table,
    fairness_summary,
    metrics_table,
    summarise,
    within_intervals,
)
from driftsched.results.report_parts import energy_facts, number, seconds
from driftsched.simulation import ENGINES, simulate

if TYPE_CHECKING:
    import pandas as pd

    from driftsched.results import RunResult

__all__ = ["add_arguments", "run", "run_data", "run_text"]

COUNTS = ("submitted", "completed", "rejected", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_scenario(parser, policy=True)
    parser.add_argument(
        "--engine", choices=ENGINES, default="auto", help="who simulates; all give the same tables"
    )
    add_keeping(parser)


def run(args: argparse.Namespace) -> None:
    """Simulate, keep what is to be kept, print a summary."""
    scenario = scenario_of(args)
    trace = trace_report(scenario)
    with ProgressBar("simulating") as progress:
        result = simulate(scenario, progress=progress, engine=args.engine)
    kept = keep(result, args, save=args.save)
    if args.json:
        print_json(run_data(result) | kept | ({"trace": trace} if trace else {}))
    else:
        print(run_text(result))


def run_data(result: RunResult) -> dict[str, Any]:
    """A run as one JSON object."""
    scenario = result.scenario
    metrics, steady = metrics_table(result), WithinRun(result.requests)
    errors = estimation_table(result).set_index("compensator")
    return (
        about(scenario)
        | {"policy": scenario.policy.kind, "seed": scenario.seed}
        | summarise(result.requests, scenario)
        | fairness_summary(result)
        | energy_summary(result)
        | {
            "by_tenant": scope_summary(metrics, "tenant"),
            "by_category": scope_summary(metrics, "category"),
            "estimation": errors.to_dict(orient="index"),
            "interval": within_intervals(result),
            "steady_state": {
                "warm_up_requests": steady.warmup.cut,
                "settled": steady.warmup.settled,
                "remark": steady.remark,
            },
        }
    )


def run_text(result: RunResult) -> str:
    """A run in a few lines for people."""
    scenario = result.scenario
    metrics, errors = metrics_table(result), estimation_table(result)
    levels = sorted({50.0, *scenario.metrics.percentiles})
    names = [f"p{level:.10g}_e2el_ms" for level in levels]
    heads = [f"P{level:g} E2E" for level in levels]
    rows = [
        [
            str(row["name"]),
            *(seconds(row[name]) for name in names),
            seconds(row["mean_ttft_ms"]),
            *(number(int(row[count])) for count in COUNTS),
            share(float(row["slo_attainment"])),
        ]
        for row in metrics.to_dict(orient="records")
    ]
    return "\n\n".join(
        [
            f"{scenario.title or scenario.name}: {scenario.policy.kind}, "
            f"{scenario.engine.mode} batching, seed {scenario.seed} "
            f"({result.provenance['engine']} engine)",
            aligned(["", *heads, "mean TTFT", *COUNTS, "SLOs met"], rows),
            _estimates(errors, scenario.estimator.unit),
            *_energy(metrics),
            WithinRun(result.requests).said(result.scenario.metrics.percentiles),
        ]
    )


def _energy(metrics: pd.DataFrame) -> list[str]:
    facts = energy_facts(metrics.iloc[0].to_dict())
    return [aligned(["energy and cost", ""], [list(fact) for fact in facts.items()])] * bool(facts)


def _estimates(errors: pd.DataFrame, unit: str) -> str:
    rows = [
        [str(row.compensator), f"{row.mae:.1f}", f"{row.rmse:.1f}", f"{row.mean_signed_error:+.1f}"]
        for row in errors.itertuples()
    ]
    heads = ["estimates", f"MAE ({unit})", f"RMSE ({unit})", f"mean error ({unit})"]
    return aligned(heads, rows)
