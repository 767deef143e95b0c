"""Cells of text → times and token counts, with a rule for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.workload.traces.rows import MAX_TOKENS

__all__ = [
    "BAD_TIME",
    "TimeUnit",
    "numbers_ns",
    "time_rule",
    "times_ns",
    "token_rule",
    "whole_numbers",
]

IntArray = NDArray[np.int64]
TimeUnit = Literal["s", "ms", "us", "ns", "datetime"]

NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
TIME_PATTERN = r"\s*(?:19|20|21)\d\d-\d\d-\d\d[ T]\d\d:\d\d.*"
BAD_TIME = np.iinfo(np.int64).min
MAX_NS = 9.2e18


def time_rule(unit: TimeUnit) -> str:
    """What a time must be, in words."""
    if unit == "datetime":
        return "must be a date and time of the years 1900 to 2199 as in 2023-11-16 18:17:03.9799600"
    return f"must be a number of {UNITS[unit]} >= 0 and below 292 years"


def token_rule(least: int) -> str:
    """What a token count must be, in words."""
    return f"must be a whole number >= {least} and <= {MAX_TOKENS}"


def times_ns(cells: Sequence[str] | pd.Series[str], unit: TimeUnit) -> IntArray:
    """Nanoseconds since 1970 or since 0, shape (n,); `BAD_TIME` where a cell is no time.

    Times without a zone are taken as UTC.
    """
    texts = pd.Series(cells, dtype=str)
    if unit != "datetime":
        numbers = pd.to_numeric(texts.str.strip(), errors="coerce").to_numpy(dtype=np.float64)
        return numbers_ns(numbers, unit)
    right = texts.str.fullmatch(TIME_PATTERN)
    parsed = pd.to_datetime(
        texts.where(right).str.strip(), format="ISO8601", utc=True, errors="coerce"
    )
    values = parsed.dt.as_unit("ns").to_numpy(dtype="datetime64[ns]").astype(np.int64)
    return np.where(parsed.notna(), values, BAD_TIME)


def numbers_ns(numbers: NDArray[np.float64], unit: TimeUnit) -> IntArray:
    """Nanoseconds of plain numbers; `BAD_TIME` where one is negative, not finite or too large."""
    scaled = numbers * NS[unit]
    good = np.isfinite(numbers) & (numbers >= 0) & (scaled < MAX_NS)
    return np.where(good, np.rint(np.where(good, scaled, 0.0)), BAD_TIME).astype(np.int64)


def whole_numbers(cells: Sequence[str] | pd.Series[str]) -> IntArray:
    """Values of the cells; -1, which no rule admits, where a cell is not a whole number."""
    texts = pd.Series(cells, dtype=str).str.strip()
    whole = texts.str.fullmatch(r"\+?[0-9]{1,10}(?:\.0*)?").to_numpy(dtype=np.bool_)
    digits = texts.where(whole, "-1").str.replace(r"\..*", "", regex=True)
    return digits.to_numpy(dtype=object).astype(np.int64)
