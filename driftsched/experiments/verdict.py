"""A change of a latency in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from driftsched.results import PairedChange

__all__ = ["said"]


def said(change: PairedChange) -> str:
    """Say a change of a latency in a few words: "31–36 % faster", or that none can be told."""
    if np.isnan(change.mean):
        return ""
    side = "faster" if change.mean < 0 else "slower"
    if np.isnan(change.low):
        return f"{_whole(abs(change.mean))} % {side}, unsure"
    if not change.told:
        return "no difference can be told"
    ends = sorted((abs(change.low), abs(change.high)))
    first, last = map(_whole, ends)
    return f"{first if first == last else f'{first}–{last}'} % {side}"


def _whole(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
