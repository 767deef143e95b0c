"""Columns of tables as plain JSON values, thinned out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["as_json", "floats", "held", "names_of", "number", "spread"]

Floats = NDArray[np.float64]


def held(time_s: Floats, level: Floats, grid: Floats) -> Floats:
    """Sample a step function: the last level at or before each instant, 0 before the first."""
    place = np.searchsorted(time_s, grid, side="right")
    return np.concatenate(([0.0], level))[place]


def spread(count: int, most: int) -> NDArray[np.intp]:
    """Evenly spread places in a table, the first and the last among them."""
    if count <= most:
        return np.arange(count, dtype=np.intp)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.intp))


def floats(frame: pd.DataFrame, column: str) -> Floats:
    """A column as floats, NaN where it has no value; shape (rows,)."""
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def as_json(values: Floats) -> list[Any]:
    """Values as `number` has them."""
    return [number(value) for value in values.tolist()]


def number(value: float) -> float | int | None:
    """Round to 6 significant digits; whole numbers without ``.0``, what is not finite as None."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded


def names_of(frame: pd.DataFrame, column: str) -> list[str]:
    """Names of a column in their categorical order, else in order of appearance."""
    if column not in frame:
        return []
    values = frame[column]
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [str(name) for name in values.cat.categories]
    return [str(name) for name in values.dropna().unique()]
