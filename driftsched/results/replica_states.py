"""What states a replica was in, in the gpus table: it counts only while it exists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["ABSENT", "States", "with_states"]

ABSENT = "absent"
OFF = (ABSENT, "down")

States = Sequence[tuple[float, str]]
"""Rows (time_s, state) of a replica; a state holds until the next row."""


def with_states(table: pd.DataFrame, rows: States, idle_w: float) -> pd.DataFrame:
    """Add `state` and `present_s` to a replica's samples, and drop those where it did not exist.

    Parameters
    ----------
    table : DataFrame
        Of one replica as if it had been there all the time; it is changed.
    rows : States
        Its states, the first at time 0.
    idle_w : float
        What it draws when idle, and does not draw while it is down or absent.

    Returns
    -------
    DataFrame
        `present_s` is how long it existed in the interval before. The row after it has left is
        kept for what it used until then; its state is absent.
    """
    times = table["time_s"].to_numpy(np.float64)
    place = np.searchsorted([at for at, _ in rows], times, side="right") - 1
    state = np.array([name for _, name in rows], dtype=object)[place]
    table["state"] = state
    table["present_s"] = times - _spent(times, rows, (ABSENT,))
    table["present_s"] = table["present_s"].diff().fillna(0.0)
    gaps = np.diff(times, prepend=0.0)
    off_s = np.diff(_spent(times, rows, OFF), prepend=0.0)
    share = np.divide(off_s, gaps, out=np.isin(state, OFF).astype(np.float64), where=gaps > 0)
    table["power_w"] -= idle_w * share
    table["energy_j"] = np.cumsum(table["power_w"] * gaps)
    return table[(table["state"] != ABSENT) | (table["present_s"] > 0)]


def _spent(
    times: NDArray[np.float64], rows: States, states: tuple[str, ...]
) -> NDArray[np.float64]:
    """Seconds spent in some states up to each time."""
    since = np.array([at for at, _ in rows], dtype=np.float64)
    inside = np.array([name in states for _, name in rows])
    before = np.concatenate([[0.0], np.cumsum(np.diff(since) * inside[:-1])])
    place = np.searchsorted(since, times, side="right") - 1
    spent: NDArray[np.float64] = before[place] + inside[place] * (times - since[place])
    return spent
