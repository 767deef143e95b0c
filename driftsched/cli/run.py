"""``run``: one run under one policy; printed, written to a folder, or kept in the library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from driftsched.cli.arguments import add_scenario, scenario_of, tell_trace
from driftsched.cli.main import Action
from driftsched.cli.output import (
    add_json,
    aligned,
    print_json,
    progress_bar,
    share,
    tell,
)
from driftsched.cli.summary import about, latency_heads, scope_summary
from driftsched.results import (
    RunLibrary,
    RunResult,
    WithinRun,
    energy_summary,
    estimation_table,
    fairness_summary,
    metrics_table,
    summarise,
    within_intervals,
    write_parquet,
)
from driftsched.results.wording import energy_facts, number, seconds
from driftsched.simulation import ENGINES, simulate

COUNTS = ("submitted", "completed", "rejected", "failed")


def run_command(parser: argparse.ArgumentParser) -> Action:
    """Simulate, keep what is to be kept, print a summary."""
    add_scenario(parser, policy=True)
    parser.add_argument(
        "--engine", choices=ENGINES, default="auto", help="who simulates; all give the same tables"
    )
    add_keeping(parser)
    return _run


def _run(args: argparse.Namespace) -> None:
    scenario = scenario_of(args)
    trace = tell_trace(scenario)
    with progress_bar("simulating") as progress:
        result = simulate(scenario, progress=progress, engine=args.engine)
    kept = keep(result, args, save=args.save)
    if args.json:
        print_json(run_data(result) | kept | trace)
    else:
        print(run_text(result))


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Add where a run is kept, and how it is printed."""
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write the tables here as Parquet"
    )
    parser.add_argument("--save", action="store_true", help="keep the run in the library")
    parser.add_argument("--title", default="", help="of the saved run")
    add_json(parser)


def keep(result: RunResult, args: argparse.Namespace, *, save: bool) -> dict[str, str]:
    """Write a run's tables where ``--out`` says, and into the library where `save`; say where."""
    kept = {}
    if args.out is not None:
        write_parquet(result, args.out)
        kept["out"] = str(args.out)
        tell(f"written to {args.out}")
    if save:
        kept["run_id"] = RunLibrary().save(result, args.title)
        tell(f"saved as {kept['run_id']}")
    return kept


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
    heads = latency_heads(scenario)
    rows = [
        [
            str(row["name"]),
            *(seconds(row[metric]) for metric in heads),
            *(number(int(row[count])) for count in COUNTS),
            share(float(row["slo_attainment"])),
        ]
        for row in metrics.to_dict(orient="records")
    ]
    facts = energy_facts(metrics.iloc[0].to_dict())
    return "\n\n".join(
        [
            f"{scenario.title or scenario.name}: {scenario.policy.kind}, "
            f"{scenario.engine.mode} batching, seed {scenario.seed} "
            f"({result.provenance['engine']} engine)",
            aligned(["", *heads.values(), *COUNTS, "SLOs met"], rows),
            _estimates(errors, scenario.estimator.unit),
            *([aligned(["energy and cost", ""], [*facts.items()])] if facts else []),
            WithinRun(result.requests).in_words(result.scenario.metrics.percentiles),
        ]
    )


def _estimates(errors: pd.DataFrame, unit: str) -> str:
    rows = [
        [str(row.compensator), f"{row.mae:.1f}", f"{row.rmse:.1f}", f"{row.mean_signed_error:+.1f}"]
        for row in errors.itertuples()
    ]
    heads = ["estimates", f"MAE ({unit})", f"RMSE ({unit})", f"mean error ({unit})"]
    return aligned(heads, rows)
