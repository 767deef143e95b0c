"""What the what-if controls offer. No streamlit here."""

from __future__ import annotations

from driftsched.scenario import Scenario, changed, with_load, with_policy
from driftsched.scheduling.policies import POLICIES

__all__ = ["changed", "offered_rps", "policy_names", "with_load", "with_policy"]


def policy_names() -> list[str]:
    """Names of all registered policies, in order of registration."""
    return list(POLICIES)


def offered_rps(scenario: Scenario) -> float | None:
    """Expected arrivals a second in the busiest phase; None for a trace."""
    return max((phase.rate_rps for phase in scenario.phases), default=None)
