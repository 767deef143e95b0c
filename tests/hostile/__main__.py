"""Trials that kill, damage and flood, each by a seed; what fails is printed, a line each.

    python -m tests.hostile [--full] [--seed 1] [NAME …]

A new trial is a module with `trial(seed, n)`, which tries n cases and returns what failed, and one
line in `TRIALS`. `make test` tries the small number of cases (test_trials.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.hostile import endpoints, kills, links, scenarios, sessions, sweeps, traces

__all__ = ["TRIALS", "Trial"]


class Trial(NamedTuple):
    """What is tried, with how many cases in `make test`, and how many with ``--full``."""

    name: str
    trial: Callable[[int, int], list[str]]
    small: int
    full: int


TRIALS = [
    Trial("kills", kills.trial, small=8, full=200),
    Trial("sweeps", sweeps.trial, small=6, full=200),
    Trial("scenarios", scenarios.trial, small=60, full=10_000),
    Trial("traces", traces.trial, small=150, full=5_000),
    Trial("links", links.trial, small=60, full=10_000),
    Trial("endpoints", endpoints.trial, small=150, full=5_000),
    Trial("sessions", sessions.trial, small=4, full=50),
]


def main() -> int:
    """Try, and print; exit code 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--full", action="store_true", help="all cases, which takes minutes")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same cases")
    args = parser.parse_args()
    failed = False
    for one in TRIALS:
        if args.names and one.name not in args.names:
            continue
        cases, began = one.full if args.full else one.small, time.monotonic()
        failures = one.trial(args.seed, cases)
        took_s = time.monotonic() - began
        print(f"{one.name}: {cases} cases, {took_s:.0f} s, {len(failures)} failed")
        for failure in failures:
            print(f"  {failure}")
        failed |= bool(failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
