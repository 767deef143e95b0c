"""``sweep``: parameters of a scenario × values, on all cores or a cluster, kept as it goes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from loky import cpu_count

from driftsched.cli.arguments import add_scenario, changes_named, scenario_of, tell_trace, up_to
from driftsched.cli.engine import compile_first
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar, share, tell
from driftsched.cli.summary import about
from driftsched.core.errors import InputError
from driftsched.experiments.sweeps import (
    FIGURES,
    Sweep,
    SweepFolder,
    figure_of,
    figures_of,
    importance,
    kept_sweeps,
    plan,
    run_sweep,
    workers,
)
from driftsched.results.export import csv_text
from driftsched.results.files import write_file
from driftsched.results.wording import counted, number, with_interval

MOST_LINES = 20


def sweep_command(parser: argparse.ArgumentParser) -> Action:
    """Run a scenario with many settings, and say which of them matter."""
    add_scenario(parser, needed=False)
    parser.add_argument(
        "--over",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="a field as --set names it, policy, load, burstiness or length_step, and its values: "
        "a,b,c, even steps 0.5:1.2:8, or a range 0.5:1.2 that is drawn from; may be repeated",
    )
    parser.add_argument(
        "--sample",
        default="",
        metavar="KIND:N",
        help="draw N settings instead of crossing all values: lhs:200 (Latin hypercube), "
        "random:200; each policy serves all of them",
    )
    parser.add_argument("--seeds", type=up_to(10_000), default=1, help="of a point (default 1)")
    parser.add_argument(
        "--processes", type=up_to(1024), default=cpu_count(), help="at once (default: all cores)"
    )
    parser.add_argument(
        "--dask", default="", metavar="ADDRESS", help="a cluster instead: tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--metric", default="p95_e2el_ms", help=f"of the printed table: {', '.join(FIGURES)}"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all points and figures")
    parser.add_argument("--resume", metavar="ID", help="go on with a sweep that was stopped")
    parser.add_argument("--list", action="store_true", help="the sweeps that are kept")
    add_json(parser)
    return _sweep


def _sweep(args: argparse.Namespace) -> None:
    if args.list:
        _list(args.json)
        return
    sweep, folder = _asked(args)
    known = figures_of(sweep.scenario)
    if args.metric not in known:
        raise InputError(f"metric must be one of {', '.join(known)}, got {args.metric[:60]!r}")
    done = len(folder.rows())
    tell(f"sweep {sweep.sweep_id}: {counted(len(sweep.points), 'point')}, {done} of them done")
    try:
        with workers(args.processes, args.dask) as by, progress_bar("sweeping") as progress:
            if not args.dask:
                compile_first(sweep.scenario, len(sweep.points) * sweep.seeds)
            table = run_sweep(sweep, by=by, keep=folder, progress=progress)
    except KeyboardInterrupt:
        tell(f"go on with: driftsched sweep --resume {sweep.sweep_id}")
        raise
    if args.csv is not None:
        write_file(args.csv, csv_text(table).encode())
    names = [parameter.name for parameter in sweep.parameters]
    moved = importance(table, sweep.parameters, args.metric)
    if args.json:
        told = about(sweep.scenario) | {"sweep": sweep.sweep_id, "seeds": sweep.seeds}
        told |= {"over": sweep.over, "sample": sweep.sample, "metric": args.metric}
        rows = {"importance": moved.to_dict("records"), "points": table.to_dict("records")}
        print_json(told | rows)
    else:
        print(_text(table, names, args.metric, moved))


def _asked(args: argparse.Namespace) -> tuple[Sweep, SweepFolder]:
    if args.resume is not None:
        given = ["a scenario"] * (args.scenario is not None) + changes_named(args)
        given += [f"--{name}" for name in ("over", "sample") if getattr(args, name)]
        if given:
            raise InputError(f"--resume has all that was asked; it must not have {given[0]} too")
        folder = SweepFolder(args.resume)
        return folder.sweep(), folder
    if args.scenario is None:
        raise InputError("sweep needs a scenario, --resume or --list, got none")
    if not args.over:
        raise InputError("sweep needs at least one --over NAME=VALUES, got none")
    scenario = scenario_of(args)
    tell_trace(scenario)
    sweep = plan(scenario, args.over, sample=args.sample, seeds=args.seeds)
    return sweep, SweepFolder.of(sweep)


def _list(as_json: bool) -> None:
    kept = kept_sweeps()
    if as_json:
        print_json({"sweeps": kept.to_dict("records")})
        return
    rows = [
        [row["sweep_id"], str(row["begun_utc"])[:16].replace("T", " "), *_counts(row)]
        for row in kept.to_dict("records")
    ]
    print(aligned(["sweep", "begun (UTC)", "points", "done", "failed", "over"], rows))


def _counts(row: dict[Any, Any]) -> list[str]:
    if row["damage"]:
        return ["–", "–", "–", f"damaged: {row['damage']}"]
    return [str(int(row[name])) for name in ("points", "done", "failed")] + [str(row["over"])]


def _text(table: pd.DataFrame, names: list[str], metric: str, moved: pd.DataFrame) -> str:
    figure = figure_of(metric)
    done = table[table["status"] == "done"].sort_values(
        metric, ascending=figure.low_is_good, kind="stable"
    )
    rows = []
    for row in done.head(MOST_LINES).to_dict("records"):
        ends = (figure.times * row[metric + end] for end in ("", "_low", "_high"))
        rows.append([*(number(row[name]) for name in names), with_interval(*ends)])
    parts = [aligned([*names, figure.label], rows)] if rows else []
    if len(done) > MOST_LINES:
        parts.append(f"the best {MOST_LINES} of {len(done)}; --csv and --json have all")
    failed = table[table["status"] == "failed"]
    for reason, mine in failed.groupby("reason", sort=False):
        parts.append(f"{counted(len(mine), 'point')} failed: {reason}")
    if moved["share"].notna().any():
        said = ", ".join(f"{row['parameter']} {share(row['share'])}" for _, row in moved.iterrows())
        parts.append(f"{figure.label}: variance of its ranks explained by {said}")
    return "\n\n".join(parts)
