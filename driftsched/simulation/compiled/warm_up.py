"""Compile the kernel before somebody waits for it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from driftsched.simulation.compiled.jit import folder

MOST_WITHOUT_WAITING = 50_000
"""Up to so many requests the SimPy engine is done before the kernel would be compiled."""


@cache
def warm_up() -> None:
    """Load the kernel, compiling it where no earlier process here has; about a minute."""
    from driftsched.scenario import load_scenario
    from driftsched.simulation.compiled.engine import outcome
    from driftsched.workload import generate
    from driftsched.workload.budgets import prepare_budgets

    scenario = load_scenario("paper", ["phases.0.requests=2", "phases.1.requests=2"])
    workload = generate(scenario)
    outcome(scenario, workload, prepare_budgets(scenario, workload))


def warm_up_apart() -> subprocess.Popen[bytes] | None:
    """Compile the kernel in a process of its own, behind all others.

    None where that has been done, or where no machine code can be kept for other processes.
    """
    if at_hand() or not folder():
        return None
    return subprocess.Popen(
        [sys.executable, "-m", "driftsched.simulation.compiled", "--behind"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def at_hand() -> bool:
    """Whether the kernel is loaded, or was compiled from these sources by an earlier process."""
    return warm_up.cache_info().currsize > 0 or _kept()


def _kept() -> bool:
    # The outermost function is compiled, and written, last.
    return bool(folder()) and any(Path(folder()).rglob("loop.advance*.nbi"))
