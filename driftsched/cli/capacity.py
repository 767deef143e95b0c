"""``capacity``: the highest load at which a goal holds, and the fewest GPUs for today's."""

from __future__ import annotations

import argparse
from typing import Any

from driftsched.cli.arguments import add_scenario, names_in, scenario_of, tell_trace, up_to
from driftsched.cli.engine import compile_first
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar
from driftsched.cli.summary import about
from driftsched.experiments.capacity import Capacity, capacities
from driftsched.experiments.fleet import Fleet, fewest_gpus, prices_of
from driftsched.experiments.goal import Goal
from driftsched.experiments.load import offered_load
from driftsched.scenario import with_policy
from driftsched.scheduling.policies import POLICIES


def capacity_command(parser: argparse.ArgumentParser) -> Action:
    """Say how much load the policies can take, or how many GPUs today's needs."""
    add_scenario(parser)
    parser.add_argument(
        "--goal",
        default="slo_attainment>=0.95",
        help="p95_ttft_ms<=2000, mean_queue_wait_ms<=500, … (default slo_attainment>=0.95)",
    )
    parser.add_argument("--tenant", default="", help="whose goal it is (default: everybody's)")
    parser.add_argument(
        "--policies", metavar="NAMES", help="with commas (default: the scenario's own)"
    )
    parser.add_argument(
        "--gpus",
        metavar="NAMES",
        help="count these instead, with the price of an hour where it is known: L4=0.7,H100",
    )
    parser.add_argument(
        "--precision", type=float, default=0.02, help="of the load aimed at (default 0.02: ±2 %%)"
    )
    parser.add_argument(
        "--seeds", type=up_to(10_000), default=64, help="replications at most (default 64)"
    )
    add_json(parser)
    return _capacity


def _capacity(args: argparse.Namespace) -> None:
    scenario, goal = scenario_of(args), Goal.parse(args.goal, args.tenant)
    told = about(scenario) | {"goal": str(goal)} | tell_trace(scenario)
    compile_first(scenario, args.seeds)
    if args.gpus is not None:
        with progress_bar("counting") as progress:
            prices = prices_of(args.gpus)
            fleets = fewest_gpus(scenario, goal, prices, seeds=args.seeds, progress=progress)
        if args.json:
            print_json(told | {"gpus": [_fleet(fleet) for fleet in fleets]})
        else:
            print("\n".join(f"{fleet.gpu}: {fleet}" for fleet in fleets))
        return
    policies = [scenario.policy.kind] if args.policies is None else names_in(args.policies)
    variants = {policy: with_policy(scenario, policy) for policy in policies}
    limits = {"precision": args.precision, "most_seeds": args.seeds}
    with progress_bar("searching") as progress:
        found = capacities(variants, goal, **limits, progress=progress)
    peak = offered_load(scenario).peak
    if args.json:
        data = {policy: _data(one) for policy, one in found.items()}
        now = {"peak_rate_rps": peak.rate_rps, "saturated_at": 1 / peak.rho}
        print_json(told | now | {"policies": data})
        return
    rows = [
        [POLICIES[policy].label, str(one), str(one.of(peak.rate_rps)), str(one.seeds)]
        for policy, one in found.items()
    ]
    print(aligned(["policy", "times today's load", "requests/s", "seeds"], rows))
    print(
        f"\n{goal}; today's peak is {peak.rate_rps:.3g} requests/s, and the hardware is saturated"
    )
    print(f"at {1 / peak.rho:.3g} times that. In brackets: 95 % sure to hold, and to fail.")


def _fleet(fleet: Fleet) -> dict[str, Any]:
    return vars(fleet) | {"growth": _data(fleet.growth), "longer": _data(fleet.longer)}


def _data(found: Capacity | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()
