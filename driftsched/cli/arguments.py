"""Arguments that several commands share: which scenario and what is changed in it, which run."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from driftsched.cli.output import tell
from driftsched.core.home import trace_path
from driftsched.live.hardware_entry import read_entry
from driftsched.results import RunLibrary, RunResult, read_run
from driftsched.scenario import (
    Scenario,
    apply_overrides,
    load_scenario,
    parse_scenario,
    to_yaml,
)
from driftsched.scheduling.policies import POLICIES
from driftsched.workload import import_trace

MOST_PROBLEMS = 20
"""So many rows of a trace that were left out are told one by one."""
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
    needed: bool = True,
) -> None:
    """Add the scenario, `what` it may be, and all that changes it; ``--policy`` where `policy`."""
    parser.add_argument("scenario", help=what, nargs=None if needed else "?")
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
    """Load the scenario with its changes; ``--trace`` comes first, named arguments come last."""
    if getattr(args, "policy", None) is not None:
        POLICIES[args.policy]
    return load_scenario(args.scenario, _overrides(args))


def changed_by(args: argparse.Namespace, scenario: Scenario) -> Scenario:
    """Copy of a scenario with the changes that are asked for."""
    return parse_scenario(apply_overrides(yaml.safe_load(to_yaml(scenario)), _overrides(args)))


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
    if args.cost is not None:
        cost = read_entry(args.cost).cost.model_dump(mode="json")
        overrides.append(f"cluster.cost={json.dumps(cost)}")
    kind = getattr(args, "policy", None)
    if kind is not None and any(change.startswith("policy.") for change in args.set):
        overrides.append(f"policy.kind={kind}")  # first: parameters are those of the policy named
    overrides += args.set
    named = {field: getattr(args, name, None) for name, field in FIELDS.items()}
    return overrides + [f"{field}={value}" for field, value in named.items() if value is not None]


def changes_named(args: argparse.Namespace) -> list[str]:
    """Options that change the scenario and were given, as they are written."""
    names = ["trace", "cost", "set", *FIELDS]
    given = [name for name in names if getattr(args, name, None) not in (None, [])]
    return [f"--{name.replace('_', '-')}" for name in given]


def tell_trace(scenario: Scenario) -> dict[str, Any]:
    """Import the scenario's trace; tell, and return as data, what was read, cut and left out."""
    if scenario.trace is None:
        return {}
    found = import_trace(scenario, trace_path(scenario.trace.file))
    tell(
        f"trace {scenario.trace.file}: {found.rows_read} rows read, {found.rows_taken} taken, "
        f"{found.rows_skipped} skipped"
    )
    for rule in found.rules:
        tell(f"  {rule}")
    for problem in found.problems[:MOST_PROBLEMS]:
        tell(f"  skipped: {problem}")
    if found.problem_count > MOST_PROBLEMS:
        tell(f"  and {found.problem_count - MOST_PROBLEMS} more problems")
    numbers = ("rows_read", "rows_taken", "rows_skipped", "rows_cut", "rows_too_long", "span_s")
    report = {"file": scenario.trace.file} | {name: getattr(found, name) for name in numbers}
    return {
        "trace": report | {"rules": list(found.rules), "problems": list(map(str, found.problems))}
    }


def load_run(name: str) -> RunResult:
    """Load a saved run: a folder, or an id in the library."""
    return read_run(name) if Path(name).is_dir() else RunLibrary().load(name)


def names_in(text: str) -> list[str]:
    """Read names that are separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers_in(text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(map(float, names_in(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be numbers with commas, got {text[:40]!r}"
        ) from None


def up_to(most: int) -> Callable[[str], int]:
    """Give argparse a type: whole numbers from 1 to `most`."""

    def whole_number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from 1 to {most}, got {text[:40]!r}"
            )
        return int(text)

    return whole_number
