"""Service level objectives: which requests keep their tenant's goals, and what is counted of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from driftsched.core.arrays import Array, Bools, Floats
from driftsched.results.outcomes import RunArrays
from driftsched.scenario.model import Scenario

COUNTED = (
    *("submitted", "completed", "rejected", "lost", "starved"),
    *("good", "asked", "met", "weighted_asked", "weighted_met", "span_s"),
)
"""What `slo_counts` counts: ends, long waits, then requests of tenants with goals; a time span.

Weighted, each request counts as much as its tenant's weight says.
"""


class Goals(NamedTuple):
    """Of each request, (n,): whether its tenant has a goal, and whether it finished in time.

    A tenant without goals has none to miss: its finished requests are good.
    """

    asked: Bools
    good: Bools


def goals(
    scenario: Scenario, tenant: Array, finished: Bools, seconds: Callable[[str], Floats]
) -> Goals:
    """Hold requests against the goals of their tenants: the one place where that is decided.

    `tenant` has the place of each request's tenant in the scenario, -1 for nobody of them;
    `seconds` gives a latency by its column: ttft_s, tpot_s, e2e_s. All arrays are (n,).
    """
    has = np.zeros(len(scenario.tenants) + 1, dtype=bool)
    good = finished.copy()
    for column in ("ttft_s", "tpot_s", "e2e_s"):
        limits = [getattr(one.slo, column) for one in scenario.tenants]
        # The last one is for a tenant that the scenario does not know.
        bounds = np.array([np.inf if limit is None else limit for limit in [*limits, None]])
        if np.isfinite(bounds).any():
            has |= np.isfinite(bounds)
            # NaN is no miss: an answer of one token has no time per output token.
            good &= ~(seconds(column) > bounds[tenant])
    return Goals(has[tenant], good)


def waited_s(arrival_s: Floats, dispatch_s: Floats, finish_s: Floats) -> Floats:
    """How long each request waited; one that was never dispatched waited until its end."""
    return np.where(np.isnan(dispatch_s), finish_s, dispatch_s) - arrival_s


def slo_counts(scenario: Scenario, run: RunArrays, cut: int = 0) -> Floats:
    """Count by tenant how a run's requests went, but for the first `cut`: (len(COUNTED), tenants).

    The last row is the span in seconds from the first arrival to the last end, the same for all.
    """
    times = run.outcomes.arrival_s, run.outcomes.dispatch_s, run.outcomes.finish_s
    tenant, finished, rejected = (
        run.workload.tenant,
        run.has_status("finished"),
        run.has_status("rejected"),
    )
    asked, good = goals(scenario, tenant, finished, run.seconds)
    starved = waited_s(*times) > scenario.metrics.starvation_s
    everyone = np.ones(len(run))
    weight = np.array([one.weight for one in scenario.tenants])[tenant]
    rows = (
        *(everyone, finished, rejected, ~finished & ~rejected, starved),
        *(good, asked, asked & good, asked * weight, (asked & good) * weight),
    )
    count = len(scenario.tenants)
    counted = [np.bincount(tenant[cut:], row[cut:], count) for row in rows]
    begun = times[0][cut:].min() if len(run) > cut else 0.0
    span_s = np.nanmax(times[2], initial=begun) - begun
    return np.array([*counted, np.full(count, span_s)])


def slo_rates(counts: Floats) -> dict[str, Floats]:
    """Figures of some runs, each (runs,), from their counts, (runs, len(COUNTED)).

    submitted, completed, rejected, lost, starved, unfinished (rejected or lost), then
    slo_attainment, weighted_slo_attainment (shares) and request_goodput (requests/s), NaN where
    nobody has goals.
    """
    found = dict(zip(COUNTED, counts.T, strict=True))
    asked, met, span_s = found.pop("asked"), found.pop("met"), found.pop("span_s")
    good, weighted_met = found.pop("good"), found.pop("weighted_met")
    weighted_asked = found.pop("weighted_asked")
    found["unfinished"] = found["submitted"] - found["completed"]
    with np.errstate(invalid="ignore", divide="ignore"):
        found["slo_attainment"] = np.where(asked > 0, met / asked, np.nan)
        found["weighted_slo_attainment"] = np.where(
            asked > 0, weighted_met / weighted_asked, np.nan
        )
        found["request_goodput"] = np.where((asked > 0) & (span_s > 0), good / span_s, np.nan)
    return found
