"""What the what-if controls offer. No streamlit here."""

from __future__ import annotations

from driftsched.scenario import Phase, Scenario, changed, with_load, with_policy
from driftsched.scheduling.policies import POLICIES

__all__ = ["changed", "offered_rps", "policy_names", "with_load", "with_policy"]


def policy_names() -> list[str]:
    """Names of all registered policies, in order of registration."""
    return list(POLICIES)


def offered_rps(scenario: Scenario) -> float | None:
    """Expected arrivals a second in the busiest phase; None for a trace."""
    return max(map(_rate, scenario.phases), default=None)


def _rate(phase: Phase) -> float:
    mean = float(phase.arrivals.mean_gap_s)
    return 1 / mean if mean > 0 else float("inf")
