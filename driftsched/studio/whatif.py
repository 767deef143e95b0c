"""What the what-if controls offer. No streamlit here."""

from __future__ import annotations

from collections.abc import Sequence

from driftsched.scenario import Scenario, changed, with_load, with_policy
from driftsched.scheduling.policies import POLICIES, PolicySpec

__all__ = [
    "changed",
    "offered_rps",
    "policy_names",
    "variants",
    "with_load",
    "with_policy",
]


def policy_names() -> list[str]:
    """Names of all registered policies, in order of registration."""
    return list(POLICIES)


def offered_rps(scenario: Scenario) -> float | None:
    """Expected arrivals a second in the busiest phase; None for a trace."""
    return max((phase.rate_rps for phase in scenario.phases), default=None)


def variants(
    scenario: Scenario, policies: Sequence[str], tuned: Sequence[PolicySpec] = ()
) -> dict[str, Scenario]:
    """The scenario under each policy, by name.

    Parameters
    ----------
    tuned : sequence of PolicySpec
        Parameters of policies that are not the scenario's own; others have their defaults.
    """
    own = {spec.kind: spec for spec in tuned} | {scenario.policy.kind: scenario.policy}
    return {
        name: scenario.model_copy(update={"policy": own.get(name) or POLICIES[name](kind=name)})
        for name in policies
    }
