"""Goals met and service given in one replication under one policy, counted by tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.results.tables import STATUSES

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Outcome
    from driftsched.scenario import Scenario
    from driftsched.workload import Workload

__all__ = ["COUNTED", "rates", "service", "tally"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
COUNTED = (
    *("submitted", "completed", "rejected", "lost", "starved"),
    *("good", "asked", "met", "span_s"),
)
"""What is counted: ends, long waits, then requests of tenants with goals; last the time span."""
FINISHED, REJECTED = STATUSES.index("finished"), STATUSES.index("rejected")


def tally(scenario: Scenario, workload: Workload, outcome: Outcome, cut: int = 0) -> Floats:
    """Count by tenant how a replication's requests went.

    Parameters
    ----------
    scenario : Scenario
        Its tenants, their goals, and when a wait is long.
    workload : Workload
        The n requests.
    outcome : Outcome
        How they went; arrays (n,).
    cut : int
        Requests to leave out at the start.

    Returns
    -------
    float array, shape (len(COUNTED), tenants)
        Counts in the order of `COUNTED`; the last row is the span in seconds from the first
        arrival to the last end, the same for all tenants.
    """
    tenant, count = workload.tenant[cut:], len(scenario.tenants)
    done, rejected = outcome.status[cut:] == FINISHED, outcome.status[cut:] == REJECTED
    has, in_time = _goals(scenario, workload, outcome)
    left = np.where(np.isnan(outcome.dispatch_s), outcome.finish_s, outcome.dispatch_s)
    starved = (left - outcome.arrival_s)[cut:] > scenario.metrics.starvation_s
    begun = outcome.arrival_s[cut:].min() if len(tenant) else 0.0
    span_s = np.nanmax(outcome.finish_s, initial=begun) - begun
    rows = [np.ones(len(tenant)), done, rejected, ~done & ~rejected, starved, done & in_time[cut:]]
    counted = [np.bincount(tenant, row, count) for row in rows]
    counted += [counted[0] * has, counted[-1] * has]
    return np.array([*counted, np.full(count, span_s)])


def _goals(scenario: Scenario, workload: Workload, outcome: Outcome) -> tuple[Flags, Flags]:
    """Which tenants have goals, (tenants,), and which requests break none of theirs, (n,)."""
    has = np.zeros(len(scenario.tenants), bool)
    in_time = np.ones(len(workload.tenant), bool)
    for name in ("ttft_s", "e2e_s", "tpot_s"):
        bounds = np.array([getattr(t.slo, name) or np.inf for t in scenario.tenants])
        if not np.isfinite(bounds).any():
            continue
        has |= np.isfinite(bounds)
        seconds = outcome.latency("e2e_s" if name == "tpot_s" else name)
        if name == "tpot_s":
            tokens = workload.output_tokens
            seconds = seconds - outcome.latency("ttft_s")
            seconds = seconds / np.where(tokens > 1, tokens - 1, np.nan)
        in_time &= ~(seconds > bounds[workload.tenant])
    return has, in_time


def rates(counts: Floats) -> dict[str, Floats]:
    """Ends, long waits, SLO attainment and goodput of each replication.

    Parameters
    ----------
    counts : float array, shape (replications, len(COUNTED))
        Counts of a tenant or of all.

    Returns
    -------
    dict of str to float array, shape (replications,)
        submitted, completed, rejected, lost, starved, unfinished (rejected or lost), then
        slo_attainment (a share) and request_goodput (requests/s), NaN where nobody has goals.
    """
    found = dict(zip(COUNTED, counts.T, strict=True))
    asked, met, span_s = found.pop("asked"), found.pop("met"), found.pop("span_s")
    good = found.pop("good")
    found["unfinished"] = found["submitted"] - found["completed"]
    with np.errstate(invalid="ignore", divide="ignore"):
        found["slo_attainment"] = np.where(asked > 0, met / asked, np.nan)
        found["request_goodput"] = np.where((asked > 0) & (span_s > 0), good / span_s, np.nan)
    return found


def service(workload: Workload, outcome: Outcome, weight: Floats, cut: int = 0) -> Floats:
    """Service by tenant and weight, (tenants,): prompt + 2·output tokens of finished requests.

    Output tokens count double, the price of VTC (Sheng et al., arXiv 2401.00588, §3).
    """
    tokens = (workload.prompt_tokens + 2 * workload.output_tokens) * (outcome.status == FINISHED)
    tokens[:cut] = 0
    return np.bincount(workload.tenant, tokens, len(weight)) / weight
