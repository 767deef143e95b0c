"""Figures in words: durations, numbers with their intervals, energy and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def seconds(milliseconds: float) -> str:
    """Write a duration readably: 850 ms, 12.3 s, 4 min 05 s; "–" where it is not known."""
    if not np.isfinite(milliseconds):
        return "–"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms" if milliseconds >= 9.5 else f"{milliseconds:.2g} ms"
    if milliseconds < 99_950:
        return f"{milliseconds / 1e3:.1f} s"
    minutes, rest = divmod(round(milliseconds / 1e3), 60)
    return f"{minutes} min {rest:02d} s"


def joined(names: Sequence[str]) -> str:
    """Names in a row: a; a and b; a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def counted(number: int, what: str) -> str:
    """So many of something: 1 request; 2,000 requests."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """Seconds as a short text: 12 ms, 3.4 s, 487 s, 2 h 5 min; "–" where unknown."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def number(value: Any) -> str:
    """Write a number of a table: no needless digits; "–" where there is none."""
    if isinstance(value, str):
        return value
    if value is None or not np.isfinite(value):
        return "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    # −0.0 would read as a loss.
    return f"{value + 0.0:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:.4g}"


def with_interval(value: float, low: float, high: float) -> str:
    """A figure with its interval in brackets, to three or four digits: 114 (112–117).

    "–" where it is not known; without brackets where the interval is not, or has no width.
    """
    if math.isnan(value):
        return "–"
    digits = _digits(value, low, high)
    shown = _fixed(value, digits)
    if math.isnan(low) or math.isnan(high) or low == high:
        return shown
    if math.isinf(high):
        return f"{shown} (over {_fixed(low, digits)})"
    ends = [_fixed(end, digits) for end in (low, high)]
    between = " to " if low < 0 else "–"
    return f"{shown} ({ends[0]}{between}{ends[1]})"


def _digits(value: float, low: float, high: float) -> int:
    """Decimals that show the interval's width with two digits, and whole numbers as they are."""
    if value == low == high and value == round(value):
        return 0
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        half = abs(value) / 100
    return min(max(0, 1 - math.floor(math.log10(half))), 4) if half > 0 else 0


def _fixed(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}".replace(",", " ")
    return "0" if text.strip("-0.") == "" else text.replace("-", "−")


def energy_facts(overall: Mapping[Any, Any]) -> dict[str, str]:
    """Energy and cost in words, as far as they are known."""
    labels = {
        "energy_per_request_j": "Energy per request (J)",
        "energy_per_1000_tokens_j": "Energy per 1000 tokens (J)",
        "gpu_hours": "GPU hours",
        "cost_per_million_tokens": "Cost per million tokens",
        "cost_per_million_output_tokens": "Cost per million output tokens",
    }
    values = {label: overall.get(key) for key, label in labels.items()}
    return {k: number(v) for k, v in values.items() if v is not None and np.isfinite(v)}
