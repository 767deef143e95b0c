"""Little's law (1961): a check of the requests table against the queues table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from driftsched.results import RunResult

__all__ = ["littles_law"]


def littles_law(result: RunResult) -> pd.DataFrame:
    """Mean number waiting, twice: from the queues table, and as rate × mean wait from requests.

    Little's law (1961) makes both equal over a run that starts and ends with empty queues, so a
    difference is an error in one of the tables.

    Returns
    -------
    DataFrame
        tenant, mean_waiting (time average), rate_times_wait.
    """
    requests, queues = result.requests, result.queues
    queued = requests[(requests["status"] != "rejected").to_numpy(dtype=bool)]
    waits = queued["dispatch_s"].fillna(queued["finish_s"]) - queued["arrival_s"]
    if "lost_s" in queued.columns:
        waits = waits - queued["lost_s"]
    end = float(queues["time_s"].max()) if len(queues) else np.nan
    rows = []
    for name in result.scenario.tenant_names:
        mine = queues[(queues["tenant"] == name).to_numpy(dtype=bool)]
        times = np.append(mine["time_s"].to_numpy(np.float64), end)
        area = float((np.diff(times) * mine["waiting"].to_numpy(np.float64)).sum())
        waited = float(waits[(queued["tenant"] == name).to_numpy(dtype=bool)].sum())
        rows.append((name, area / end, waited / end))
    return pd.DataFrame(rows, columns=["tenant", "mean_waiting", "rate_times_wait"])
