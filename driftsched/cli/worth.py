"""``worth``: what better estimates would change, for a scenario."""

from __future__ import annotations

import argparse

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
from driftsched.cli.output import add_json, aligned, print_json, progress_bar
from driftsched.cli.summary import about
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.experiments.worth import MEASURES, TAUS, estimators, pays, worth
from driftsched.results.wording import with_interval
from driftsched.scheduling.policies import POLICIES

HEAD = ["estimate", "τ", "mean (s)", "median (s)", "P99 (s)", "goodput (/s)"]


def worth_command(parser: argparse.ArgumentParser) -> Action:
    """Say whether a better predictor would pay, and what each estimator is worth."""
    add_scenario(parser)
    parser.add_argument(
        "--policies",
        metavar="NAMES",
        default="sjf,srpt",
        help=f"separated by commas, of {', '.join(POLICIES)} (default sjf,srpt)",
    )
    parser.add_argument(
        "--compensators",
        metavar="NAMES",
        default="ema,hierarchical",
        help=f"beside none and oracle, of {', '.join(COMPENSATORS)} (default ema,hierarchical)",
    )
    parser.add_argument(
        "--predictors", metavar="NAMES", default="", help=f"of {', '.join(PREDICTORS)}"
    )
    parser.add_argument(
        "--tau",
        metavar="NUMBERS",
        type=numbers_in,
        default=TAUS,
        help=f"noisy oracles by Kendall's τ (default {','.join(map(str, TAUS))})",
    )
    parser.add_argument(
        "--sigma", metavar="NUMBERS", type=numbers_in, default=(), help="by σ of ln length"
    )
    parser.add_argument(
        "--measure", choices=tuple(MEASURES), default="mean_s", help="of the sentence"
    )
    parser.add_argument("--seeds", type=up_to(10_000), default=10, help="how many (default 10)")
    add_json(parser)
    return _worth


def _worth(args: argparse.Namespace) -> None:
    scenario, policies = scenario_of(args), names_in(args.policies)
    trace = tell_trace(scenario)
    with progress_bar("estimating") as progress:
        asked = estimators(
            scenario,
            compensators=names_in(args.compensators),
            predictors=names_in(args.predictors),
            taus=args.tau,
            sigmas=args.sigma,
            replications=args.seeds,
        )
        table = worth(asked, policies, args.seeds, progress=progress)
    said = {policy: pays(table, policy, args.measure).replace("**", "") for policy in policies}
    if args.json:
        rows = table.to_dict("records")
        print_json(about(scenario) | {"seeds": args.seeds, "answers": said, "worth": rows} | trace)
        return
    for policy, sentence in said.items():
        print(f"{_text(table[table['policy'] == policy])}\n{sentence}\n")


def _text(table: pd.DataFrame) -> str:
    rows = []
    for estimate, mine in table.groupby("estimate", sort=False):
        ends = mine[["value", "low", "high"]].itertuples(index=False, name=None)
        rows.append(
            [str(estimate), f"{mine['tau'].iloc[0]:.2f}", *(with_interval(*e) for e in ends)]
        )
    return f"{POLICIES[str(table['policy'].iloc[0])].label}\n{aligned(HEAD, rows)}"
