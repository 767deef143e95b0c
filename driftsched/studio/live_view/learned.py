"""Bias and drift over time, as the live view draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from driftsched.studio.live_view.values import as_json, floats, names_of, spread

__all__ = ["DRIFT_WINDOW", "learning"]

Payload = dict[str, Any]
DRIFT_WINDOW = 20
"""Requests in the moving mean of actual / estimated."""


def learning(rows: Mapping[str, pd.DataFrame], window: tuple[float, float], points: int) -> Payload:
    """Lines of each category.

    Parameters
    ----------
    rows : mapping of str to DataFrame
        The run's requests and learning tables, all so far.
    window : (float, float)
        Seconds: rows after the first and up to the second are drawn.
    points : int
        At most so many a line.

    Returns
    -------
    dict
        Category → time_s, bias, drift (moving mean of actual / estimated).
    """
    series: Payload = {}
    for name, mine in _rows(rows).groupby("key", sort=False):
        time_s = floats(mine, "time_s")
        inside = np.flatnonzero((time_s > window[0]) & (time_s <= window[1]))
        drawn = mine.iloc[inside[spread(len(inside), points)]]
        columns = ("time_s", "bias", "drift")
        series[str(name)] = {column: as_json(floats(drawn, column)) for column in columns}
    return series


def _rows(rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows time_s, key, bias, drift; without a learning table, of what the requests say."""
    source, requests = rows["learning"], rows["requests"]
    if not source.empty:
        time, key, actual = "time_s", "key", "output_tokens"
    elif not requests.empty and "estimated_output_tokens" in requests:
        time, key, actual = "finish_s", "category", "counted_output_tokens"
        source = requests[requests["status"] == "finished"]
    else:
        return pd.DataFrame({"time_s": [], "key": [], "bias": [], "drift": []})
    estimated = floats(source, "estimated_output_tokens")
    ratio = np.full(len(source), np.nan)
    np.divide(floats(source, actual), estimated, out=ratio, where=estimated > 0)
    bias = floats(source, "bias") if "bias" in source else np.full(len(source), np.nan)
    time_s = floats(source, time)
    keys = source[key].astype(str).to_numpy()
    frame = pd.DataFrame({"time_s": time_s, "key": keys, "bias": bias, "drift": ratio})
    frame = frame[np.isfinite(time_s)].sort_values("time_s", kind="stable")
    moving = frame.groupby("key", sort=False)["drift"].rolling(DRIFT_WINDOW, min_periods=1).mean()
    frame["drift"] = moving.reset_index(level=0, drop=True)
    order = {name: place for place, name in enumerate(names_of(source, key))}
    return frame.sort_values("key", key=lambda names: names.map(order), kind="stable")
