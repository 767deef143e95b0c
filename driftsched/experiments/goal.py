"""What must hold of a run: a figure of it, and its bound."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from driftsched.core.errors import InputError
from driftsched.experiments.compare import LATENCY
from driftsched.experiments.ensemble import run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.results import Estimate
from driftsched.results.percentiles import LATENCIES

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["SHARES", "Goal"]

SHARES = ("slo_attainment", "weighted_slo_attainment")
"""Shares of the requests, which a goal wants to be high; latencies it wants to be low."""
WRITTEN = re.compile(r"\s*(\w+(?:\.\d+)?\w*)\s*(<=|>=)\s*([0-9.eE+-]+)\s*")


class Goal(NamedTuple):
    """What must hold: a figure of the run, and its bound.

    Attributes
    ----------
    metric : str
        A latency as `driftsched.results.metrics` names them, ``p95_ttft_ms`` or
        ``mean_queue_wait_ms``, which must not be above; or one of `SHARES`, not below.
    bound : float
        Milliseconds, or a share from 0 to 1.
    tenant : str
        Whose figure it is; everybody's where it is empty.
    """

    metric: str
    bound: float
    tenant: str = ""

    @classmethod
    def parse(cls, text: str, tenant: str = "") -> Goal:
        """Read ``p95_ttft_ms<=2000`` or ``slo_attainment>=0.95``.

        Raises
        ------
        InputError
            When it is written otherwise.
        """
        found = WRITTEN.fullmatch(text)
        metric, sign, bound = found.groups() if found else ("", "", "")
        wanted = ">=" if metric in SHARES else "<="
        latency = LATENCY.fullmatch(metric)
        known = metric in SHARES or (latency is not None and _possible(latency[1]))
        if not known or sign != wanted:
            raise InputError(
                "goal must be a latency, as in p95_ttft_ms<=2000, or a share, as in "
                f"slo_attainment>=0.95, got {text[:60]!r}"
            )
        try:
            return cls(metric, float(bound), tenant)
        except ValueError:
            raise InputError(f"goal must have a number behind {sign}, got {bound!r}") from None

    def __str__(self) -> str:
        whose = f"{self.tenant}'s " if self.tenant else ""
        return f"{whose}{self.metric} {'>=' if self.metric in SHARES else '<='} {self.bound:g}"

    def measure(self, scenario: Scenario, seeds: int) -> Estimate:
        """The figure over some seeds, with its 95 % interval.

        Raises
        ------
        InputError
            When the scenario has no such tenant, or nobody has an SLO to attain.
        """
        names = scenario.tenant_names
        if self.tenant and self.tenant not in names:
            raise InputError(f"tenant must be one of {', '.join(names)}, got {self.tenant!r}")
        policy = scenario.policy.kind
        figures = Figures(run_ensemble({policy: scenario}, seeds))
        split, group = ("tenant", names.index(self.tenant)) if self.tenant else ("overall", 0)
        if self.metric not in SHARES:
            figure, _, measure = self.metric.removesuffix("_ms").partition("_")
            pool = figures.pool(policy, LATENCIES[measure], split, group)
            found = pool.estimate(_percentile(figure))
            return Estimate(1e3 * found.value, 1e3 * found.low, 1e3 * found.high, found.n)
        row = figures.goals(split).iloc[group]
        value, low, high = (float(row[self.metric + end]) for end in ("", "_low", "_high"))
        if value != value:
            raise InputError(f"goal {self.metric} needs SLOs, got tenants without any")
        return Estimate(value, low, high, seeds)

    def holds(self, found: Estimate) -> bool:
        """Whether the figure itself is within the bound."""
        return found.value >= self.bound if self.metric in SHARES else found.value <= self.bound

    def surely(self, found: Estimate) -> bool:
        """Whether the whole interval is within the bound."""
        return found.low >= self.bound if self.metric in SHARES else found.high <= self.bound

    def possibly(self, found: Estimate) -> bool:
        """Whether not all of the interval is beyond the bound."""
        beyond = found.high < self.bound if self.metric in SHARES else found.low > self.bound
        return not beyond


def _possible(figure: str) -> bool:
    """Whether it is a mean, or a percentile that there is."""
    try:
        p = _percentile(figure)
    except ValueError:
        return False
    return p is None or 0 < p < 100


def _percentile(figure: str) -> float | None:
    """``p95`` → 95; None is the mean."""
    return {"mean": None, "median": 50.0}[figure] if figure[0] == "m" else float(figure[1:])
