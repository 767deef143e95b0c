"""The newest telemetry of a live run in a line: GPU where there is one, process always."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from driftsched.live.snapshot import LiveSnapshot

__all__ = ["measured_now", "newest"]

FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "busy": ("GPU busy", lambda x: f"{x:.0%}"),
    "power_w": ("Power", lambda x: f"{x:.0f} W"),
    "temperature_c": ("Temperature", lambda x: f"{x:.0f} °C"),
    "memory_used_mb": ("GPU memory", lambda x: f"{x / 1e3:.1f} GB"),
    "sm_clock_mhz": ("SM clock", lambda x: f"{x:.0f} MHz"),
    "kv_used_tokens": ("KV cache", lambda x: f"{x:,.0f} tokens"),
    "process_cpu": ("CPU of the run", lambda x: f"{x:.1f} cores"),
    "process_memory_mb": ("Its memory", lambda x: f"{x / 1e3:.2f} GB"),
}
"""Column of the gpus table → label and how it is written."""


def newest(gpus: pd.DataFrame) -> dict[str, float]:
    """Last known value of each figure over all GPUs; a figure that nothing gives is left out."""
    found = {}
    for column in FIGURES:
        values = gpus[column].dropna() if column in gpus else pd.Series(dtype=float)
        if len(values):
            found[column] = float(values.iloc[-1])
    return found


def measured_now(snapshot: LiveSnapshot) -> None:
    """Draw the figures; say so where no GPU gives any."""
    known = newest(snapshot.tables["gpus"])
    words = [f"{FIGURES[name][0]} **{FIGURES[name][1](value)}**" for name, value in known.items()]
    if not {"power_w", "temperature_c", "memory_used_mb"} & set(known):
        words.append("no NVIDIA GPU or driver found here, so no GPU figures")
    st.caption(" · ".join(words))
