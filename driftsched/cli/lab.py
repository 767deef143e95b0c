"""``lab``: drift compensators on streams of lengths, without queues."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pandas as pd

from driftsched.cli.arguments import (
    add_scenario,
    names_in,
    numbers_in,
    scenario_of,
    tell_trace,
    up_to,
)
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar, share
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.experiments.lab import (
    KINDS,
    closed,
    compensators_named,
    draw_stream,
    scores,
    stream_of,
)
from driftsched.workload import generate

SHOWN = ["compensator", "mae", "rmse", "bias", "below", "alarms"]

TABLES: dict[str, tuple[str, Callable[[float], str]]] = {
    "mae": ("share of the EMA's excess MAE over the floor that each closes, typical length", share),
    "rmse": ("share of the EMA's excess RMSE over the floor that each closes, mean length", share),
    "alarms": ("alarms a stream", "{:.1f}".format),
}
"""Title of each figure's table, and how it is said."""


def lab_command(parser: argparse.ArgumentParser) -> Action:
    """Say how near compensators come to what can be known, on drawn or recorded streams."""
    add_scenario(parser, what="its stream in place of drawn ones: a preset or file", needed=False)
    parser.add_argument(
        "--compensators",
        metavar="NAMES",
        default=",".join(kind for kind in COMPENSATORS if kind != "oracle"),
        help="which, with commas (default: all but the oracle)",
    )
    parser.add_argument(
        "--kinds", metavar="NAMES", default=",".join(KINDS), help="of drift (default: all ten)"
    )
    parser.add_argument("--spread", type=float, default=0.6, help="of ln length (default 0.6)")
    parser.add_argument(
        "--tenant-effect", type=float, default=0.25, help="on ln length (default 0.25)"
    )
    parser.add_argument(
        "--prompt-effect", type=float, default=0.25, help="power of the prompt (default 0.25)"
    )
    parser.add_argument(
        "--late", type=int, default=0, help="requests until a length is known (default 0)"
    )
    parser.add_argument(
        "--limits",
        metavar="NUMBERS",
        type=numbers_in,
        default=(),
        help="multiples of the base at which answers are cut, by lot (default: none is cut)",
    )
    parser.add_argument(
        "--censoring", action="store_true", help="take cut answers as at least so long"
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="none",
        help="at whose alarm a category is learnt anew (default none)",
    )
    parser.add_argument("--seeds", type=up_to(1000), default=20, help="streams a kind (default 20)")
    add_json(parser)
    return _lab


def _lab(args: argparse.Namespace) -> None:
    found = compensators_named(names_in(args.compensators))
    detector = DETECTORS[args.detector].model_validate({"kind": args.detector})
    if args.scenario is not None:
        scenario = scenario_of(args)
        told = tell_trace(scenario)
        stream = stream_of(scenario, generate(scenario), args.late)
        table = scores([stream], found, detector=detector)
        _show(args, told | {"errors": table.drop(columns=["stream"]).to_dict("records")}, table)
        return
    rows = []
    kinds = names_in(args.kinds)
    first = args.seed or 0
    with progress_bar("streams") as progress:
        for number, kind in enumerate(kinds):
            streams = [
                draw_stream(
                    kind,
                    args.spread,
                    seed,
                    tenant_effect=args.tenant_effect,
                    prompt_effect=args.prompt_effect,
                    late=args.late,
                    limits=args.limits,
                    censoring=args.censoring,
                )
                for seed in range(first, first + args.seeds)
            ]
            rows.append(closed(scores(streams, found, detector=detector)).assign(kind=kind))
            progress((number + 1) / len(kinds))
    table = pd.concat(rows)
    _show(args, {"closed": table.to_dict("records")}, table)


def _show(args: argparse.Namespace, data: dict[str, Any], table: pd.DataFrame) -> None:
    """Print the data, or the table with its shares as percentages."""
    if args.json:
        print_json(data)
        return
    if "kind" not in table:
        cells = [
            [name, f"{mae:.1f}", f"{rmse:.1f}", share(off - 1), share(below), str(alarms)]
            for name, mae, rmse, off, below, alarms in table[SHOWN].itertuples(
                index=False, name=None
            )
        ]
        print(aligned(["compensator", "MAE", "RMSE", "off", "covered", "alarms"], cells))
        return
    for figure, (title, cell) in TABLES.items():
        if figure == "alarms" and args.detector == "none":
            continue
        wide = table.pivot(index="kind", columns="compensator", values=figure)
        wide = wide.loc[
            list(dict.fromkeys(table["kind"])), list(dict.fromkeys(table["compensator"]))
        ]
        wide.loc["mean"] = wide.mean()
        print(title)
        rows = [
            [kind, *map(cell, values)]
            for kind, values in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        print(aligned(["drift", *wide.columns], rows))
