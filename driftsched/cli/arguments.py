"""Arguments that several commands share: which scenario, and what is changed in it."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from driftsched.live.hardware_entry import read_entry
from driftsched.scenario import Scenario, load_scenario
from driftsched.scheduling.policies import POLICIES

__all__ = ["add_scenario", "changes_named", "command_line", "scenario_of", "seed_count"]

FIELDS = {
    "policy": "policy.kind",
    "seed": "seed",
    "engine_mode": "engine.mode",
    "unit": "estimator.unit",
    "lengths": "lengths",
}
"""Argument → the field of the scenario that it sets."""


def add_scenario(
    parser: argparse.ArgumentParser,
    *,
    policy: bool = False,
    what: str = "a preset's name or a YAML file",
) -> None:
    """Add the scenario and everything that changes it.

    Parameters
    ----------
    parser : ArgumentParser
        Gets the arguments.
    policy : bool
        Add ``--policy`` too.
    what : str
        Help text of the scenario argument.
    """
    parser.add_argument("scenario", help=what)
    parser.add_argument(
        "--trace", metavar="FILE", help="recorded traffic instead of the scenario's"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change any field, list items by number: tenants.0.weight=2; may be repeated",
    )
    parser.add_argument(
        "--cost", type=Path, metavar="FILE", help="a hardware entry that `calibrate` wrote"
    )
    parser.add_argument("--seed", type=int, help="of the random numbers")
    if policy:
        parser.add_argument("--policy", help=", ".join(POLICIES))
    parser.add_argument("--engine-mode", choices=("gang", "continuous"), help="how to batch")
    parser.add_argument("--unit", choices=("words", "tokens"), help="what lengths are counted in")
    parser.add_argument("--lengths", choices=("natural", "capped"), help="where answers end")


def scenario_of(args: argparse.Namespace) -> Scenario:
    """Load the scenario with its changes; ``--trace`` comes first, named arguments come last.

    Raises
    ------
    InputError
        One line: the file, the field or the policy that is wrong.
    """
    if getattr(args, "policy", None) is not None:
        POLICIES[args.policy]
    return load_scenario(args.scenario, _overrides(args))


def command_line(args: argparse.Namespace) -> str:
    """Command that runs the same scenario again."""
    words = ["python", "-m", "driftsched", "run", args.scenario]
    for override in _overrides(args):
        words += ["--set", override]
    return shlex.join(words)


def _overrides(args: argparse.Namespace) -> list[str]:
    overrides = []
    if args.trace is not None:
        overrides += ["phases=[]", f"trace.file={json.dumps(args.trace)}"]
    if getattr(args, "cost", None) is not None:
        cost = read_entry(args.cost).cost.model_dump(mode="json")
        overrides.append(f"cluster.cost={json.dumps(cost)}")
    overrides += args.set
    named = {field: getattr(args, name, None) for name, field in FIELDS.items()}
    return overrides + [f"{field}={value}" for field, value in named.items() if value is not None]


def changes_named(args: argparse.Namespace) -> list[str]:
    """Options that change the scenario and were given, as they are written."""
    names = ["trace", "cost", "set", *FIELDS]
    given = [name for name in names if getattr(args, name, None) not in (None, [])]
    return [f"--{name.replace('_', '-')}" for name in given]


def seed_count(text: str) -> int:
    """Read how many seeds to run.

    Raises
    ------
    argparse.ArgumentTypeError
        When it is no whole number from 1 to 10,000.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1 to 10000, got {text[:40]!r}"
        )
    return int(text)
