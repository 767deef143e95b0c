"""What is tuned, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from pydantic import Field

from driftsched.core.config import Config
from driftsched.core.errors import InputError
from driftsched.experiments.sweeps import Parameter, figure_of, figures_of
from driftsched.scenario import Scenario, changed
from driftsched.scheduling.policies import POLICIES

__all__ = ["Tuning", "default_space", "low_is_good"]

WIDE = 8.0
"""A parameter is searched from its default over this to its default times this."""


class Tuning(Config):
    """What is tuned, and for what.

    Attributes
    ----------
    scenario : Scenario
        What the parameters change; as it is, it is what they have to beat.
    over : tuple of str
        One text a parameter, as `Parameter.parse` reads it. ``aging.rate=0.001:0.1:log`` is a
        parameter of the policy aging, tried under that policy alone.
    objectives : tuple of str
        Of `figures_of`; with several there is a front of settings none of which is beaten in all.
    drifts : tuple of float
        Answers become so many times as long in the middle of the traffic; the worst counts.
    seeds : int
        Replications of a setting in the search.
    held_out : int
        Seeds that the search does not see, on which the settings are judged.
    """

    scenario: Scenario
    over: tuple[str, ...] = Field(min_length=1, max_length=60)
    objectives: tuple[str, ...] = Field(("weighted_slo_attainment",), min_length=1, max_length=3)
    drifts: tuple[float, ...] = Field((1.0,), min_length=1, max_length=10)
    seeds: int = Field(4, ge=1, le=1000)
    held_out: int = Field(20, ge=2, le=10_000)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, the policy first.

        Raises
        ------
        InputError
            When one cannot be read, or is named twice.
        """
        data = self.scenario.model_dump(mode="json", by_alias=True)
        found = {one.name: one for one in (Parameter.parse(text, data) for text in self.over)}
        if len(found) < len(self.over):
            raise InputError(f"over must name each parameter once, got {', '.join(self.over)}")
        return tuple(sorted(found.values(), key=lambda one: one.name != "policy"))

    def check(self) -> None:
        """Refuse objectives that there are not, and parameters that cannot be read."""
        known = figures_of(self.scenario)
        for name in self.objectives:
            if name not in known:
                raise InputError(f"metric must be one of {', '.join(known)}, got {name[:60]!r}")
        _ = self.parameters

    def seeds_of(self, start: int, number: int) -> range:
        """So many seeds from the scenario's on, after the first `start`."""
        first = self.scenario.seed + start
        return range(first, changed(self.scenario, seed=first + number - 1).seed + 1)


def default_space(scenario: Scenario) -> tuple[str, ...]:
    """All policies, and each one's numbers from an eighth to eight times their defaults."""
    over = [f"policy={','.join(POLICIES)}"]
    for kind, model in POLICIES.items():
        own = scenario.policy if scenario.policy.kind == kind else None
        for name, field in model.model_fields.items():
            value = getattr(own, name, field.default)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                continue
            low, high = _within(field.metadata, value / WIDE, value * WIDE)
            if isinstance(value, int):
                low, high = max(1, round(low)), round(high)
            if low < high:
                over.append(f"{kind}.{name}={low:.6g}:{high:.6g}:log")
    return tuple(over)


def _within(rules: Sequence[Any], low: float, high: float) -> tuple[float, float]:
    for rule in rules:
        low = max(low, getattr(rule, "ge", low), getattr(rule, "gt", low))
        high = min(high, getattr(rule, "le", high), getattr(rule, "lt", high))
    return float(low), float(high)


def low_is_good(objective: str) -> bool:
    """Whether less of it is better."""
    return figure_of(objective).low_is_good
