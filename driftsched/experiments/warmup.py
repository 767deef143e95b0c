"""Where the warm-up of an ensemble ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftsched.results import Warmup, mser5

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Ensemble

__all__ = ["warmup"]


def warmup(ensemble: Ensemble, metric: str = "e2e_s") -> Warmup:
    """Where the warm-up of all policies ends: MSER-5 on the mean over the replications.

    Requests are taken in order of arrival (Welch's averages), and the latest cut of any policy
    counts, so that all keep the same requests. It is settled where every policy's is.

    Parameters
    ----------
    ensemble : Ensemble
        Runs of the same traffic.
    metric : str
        Latency to look at: e2e_s, ttft_s or queue_wait_s.
    """
    cuts = []
    for outcomes in ensemble.outcomes.values():
        shortest = min(len(outcome.status) for outcome in outcomes)
        values = np.array([outcome.latency(metric)[:shortest] for outcome in outcomes])
        known = ~np.isnan(values)
        count = known.sum(axis=0)
        total = np.where(known, values, 0.0).sum(axis=0)
        cuts.append(mser5(np.divide(total, count, out=np.full(shortest, np.nan), where=count > 0)))
    return Warmup(max(cut.cut for cut in cuts), all(cut.settled for cut in cuts))
