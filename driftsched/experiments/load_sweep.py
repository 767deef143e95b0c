"""Latency against load, all policies on the same requests at each load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.experiments.ensemble import part, run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.experiments.load import offered_load
from driftsched.results import PooledSample, paired_pool_change
from driftsched.scenario import with_load

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance
    from driftsched.scenario import Scenario

__all__ = ["UTILISATIONS", "knee", "knee_interval", "load_sweep"]

UTILISATIONS = (0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)
"""Loads that are looked at, as shares of what the hardware can serve."""


def load_sweep(
    variants: Mapping[str, Scenario],
    replications: int,
    *,
    utilisations: Sequence[float] = UTILISATIONS,
    metric: str = "e2e_s",
    percentile: float = 95.0,
    who: Sequence[str] = (),
    progress: Advance | None = None,
) -> pd.DataFrame:
    """Run every variant at every load, on common random numbers.

    Parameters
    ----------
    variants : mapping of str to Scenario
        As for `run_ensemble`.
    replications : int
        Seeds at each load.
    utilisations : sequence of float
        Loads of the busiest phase over what the hardware can serve (`offered_load`); ascending.
    metric, percentile : str and float
        What is looked at: e2e_s, ttft_s, tpot_s or queue_wait_s.
    who : sequence of str
        Tenants whose latency it is; none are all.
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the sweep.

    Returns
    -------
    DataFrame
        policy, utilisation, load (how many times as fast requests arrive as in the scenario),
        value_s, low_s, high_s (95 % interval), knee (bool: at most one row a policy), and in that
        row knee_low and knee_high, see `knee_interval`.
    """
    rows = []
    pools: dict[str, list[PooledSample]] = {policy: [] for policy in variants}
    now = offered_load(next(iter(variants.values()))).peak.rho
    loads = [utilisation / now for utilisation in utilisations]
    for place, load in enumerate(loads):
        loaded = {name: with_load(scenario, load) for name, scenario in variants.items()}
        tell = None if progress is None else part(progress, place, len(loads))
        figures = Figures(run_ensemble(loaded, replications, progress=tell), who=who)
        for policy in variants:
            pools[policy].append(figures.pool(policy, metric, "focus"))
            found = pools[policy][-1].percentile(percentile)
            ends = (found.value, found.low, found.high)
            rows.append((policy, utilisations[place], load, *ends))
    names = ["policy", "utilisation", "load", "value_s", "low_s", "high_s"]
    frame = pd.DataFrame(rows, columns=names)
    frame["knee"], frame["knee_low"], frame["knee_high"] = False, np.nan, np.nan
    for policy in variants:
        mine = frame.index[frame["policy"] == policy]
        at = knee(utilisations, frame.loc[mine, "value_s"].to_numpy(np.float64))
        if at is not None:
            low, high = knee_interval(utilisations, pools[policy], percentile, at)
            frame.loc[mine[at], ["knee", "knee_low", "knee_high"]] = (True, low, high)
    return frame


def knee(loads: Sequence[float], latency_s: Sequence[float] | NDArray[np.float64]) -> int | None:
    """Place of the load with the most power, load over latency.

    There a line from the origin touches the curve: before it load grows faster than latency, after
    it latency does (Kleinrock 1979, "Power and deterministic rules of thumb for probabilistic
    problems in computer communications").

    Parameters
    ----------
    loads : sequence of float, shape (n,)
        Ascending, above 0.
    latency_s : sequence of float, shape (n,)
        Seconds at each load; NaN is unknown.

    Returns
    -------
    int or None
        None where no latency is known or the most power is at the first or the last load: the
        knee, if there is one, lies outside.

    Examples
    --------
    >>> knee([0.2, 0.4, 0.6, 0.8], [1.25, 1.7, 2.5, 5.0])
    2
    """
    times = np.asarray(latency_s, dtype=np.float64)
    if not np.isfinite(times).any() or not (times > 0).all():
        return None
    at = int(np.nanargmax(np.asarray(loads) / times))
    return at if 0 < at < len(times) - 1 else None


def knee_interval(
    loads: Sequence[float], pools: Sequence[PooledSample], percentile: float, at: int
) -> tuple[float, float]:
    """Loads on both sides of the knee, `loads[at]`, whose power cannot be told from the knee's.

    At each load the replications' requests are the same, so latencies are compared in pairs: a load
    is told from the knee where the 95 % interval of the ratio of their latencies, the jackknife's,
    lies above the ratio of the loads. NaN where one replication alone tells nothing.
    """
    ends = []
    for places in (range(at - 1, -1, -1), range(at + 1, len(loads))):
        end = loads[at]
        for place in places:
            if len(pools[place]) != len(pools[at]):
                break
            change = paired_pool_change(pools[at], pools[place], percentile)
            if np.isnan(change.low):
                return np.nan, np.nan
            if 1 + change.low > loads[place] / loads[at]:
                break
            end = loads[place]
        ends.append(end)
    return ends[0], ends[1]
