"""What the GPUs did over time, what energy it took, and where their memory goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import Floats, bin_means
from driftsched.charts.labels import TIME
from driftsched.charts.marks import Marks, add_marks
from driftsched.charts.theme import NEUTRAL, PALETTE, Look, panel, panels
from driftsched.charts.traces import bars, line

GPU = Look(
    "GPU",
    "gpu",
    "A busy GPU with few requests in it is held back by memory or by the batch size, not by "
    "arithmetic.",
)
GPU_ROWS = ("Running (requests)", "KV cache (% used)", "Busy (% of time)", "Power (W)")
ENERGY = Look(
    "Energy over time",
    "energy",
    "Joules for a thousand tokens fall as the batch fills and rise while the GPU waits: idle, it "
    "draws power for nobody.",
)
ENERGY_ROWS = {
    "Energy (kJ)": ("energy_j", 1e-3),
    "Per 1000 tokens (J)": ("energy_per_1000_tokens_j", 1.0),
}
MEMORY = Look(
    "Memory of a GPU",
    "memory",
    "What the weights and activations leave is the KV cache, and it bounds how many run at once.",
    "Memory (GB)",
    "GPU",
)
PARTS = {
    "Weights": PALETTE[0],
    "Activations": PALETTE[1],
    "KV cache": PALETTE[2],
    "Left free": NEUTRAL,
}
BAR, KINDS = 46, 20


def gpu(gpus: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw running requests, KV cache, busy share and power, one above the other.

    `gpus` has time_s, replica, running, kv_used_tokens, kv_capacity_tokens, busy (0 to 1), power_w.
    What is not known at all has no row; over 600 samples are drawn as means of intervals.
    """
    values = {} if gpus.empty else _values(gpus)
    if not values:
        return GPU.empty("No samples yet", x=TIME, y=GPU_ROWS[0])
    replicas = gpus["replica"].unique().tolist()
    several = len(replicas) > 1
    traces = []
    for row, (label, value) in enumerate(values.items()):
        for place, replica in enumerate(replicas):
            mine = (gpus["replica"] == replica).to_numpy()
            time_s = gpus["time_s"].to_numpy(np.float64)[mine]
            name = f"{label.split(' (')[0]}, replica {replica}" if several else label
            colour = PALETTE[(place if several else row) % len(PALETTE)]
            more = {"legendgroup": str(replica), "showlegend": several and row == 0} | panel(row)
            traces.append(_means(time_s, value[mine], name, colour, "%{y:.1f}", more))
    layout = _rows([*values], gap=0.06) | {"margin": {"t": 84 if several else 56}}
    return add_marks(GPU.figure(traces, layout, height=130 + 130 * len(values)), marks)


def _values(gpus: pd.DataFrame) -> dict[str, Floats]:
    used, capacity, running, busy, power = (
        gpus[name].to_numpy(np.float64)
        for name in ("kv_used_tokens", "kv_capacity_tokens", "running", "busy", "power_w")
    )
    share = np.divide(used, capacity, out=np.full(len(used), np.nan), where=capacity > 0)
    columns = (running, 100 * share, 100 * busy, power)
    return {
        label: column
        for label, column in zip(GPU_ROWS, columns, strict=True)
        if np.isfinite(column).any()
    }


def _means(
    time_s: Floats, value: Floats, name: str, colour: str, hover: str, more: dict[str, Any]
) -> dict[str, Any]:
    drawn = line(*bin_means(time_s, value), name, colour, hover, **more)
    return drawn | {"line": {"color": colour}}


def _rows(labels: list[str], gap: float) -> dict[str, Any]:
    """Layout of one row a label over common time; hovering reads them all."""
    titles = [(TIME, label.replace(" (", "<br>(")) for label in labels]
    grid = panels(titles, shared_x=True, gap=gap) | {"hoversubplots": "axis"}
    for axis in [name for name in grid if name.startswith("yaxis")]:
        grid[axis]["rangemode"] = "tozero"
    return grid


def energy(table: pd.DataFrame, marks: Marks = ()) -> go.Figure:
    """Draw energy so far, and below it energy for a thousand tokens finished so far.

    `table` is that of `results.energy_over_time`: time_s, energy_j, energy_per_1000_tokens_j.
    """
    if table.empty:
        return ENERGY.empty("Nothing known about energy", x=TIME, y="Energy (kJ)")
    time_s = table["time_s"].to_numpy(np.float64)
    traces = []
    for row, (label, (column, factor)) in enumerate(ENERGY_ROWS.items()):
        value = table[column].to_numpy(np.float64) * factor
        more = {"showlegend": False} | panel(row)
        traces.append(_means(time_s, value, label, PALETTE[row], "%{y:.4~g}", more))
    layout = _rows([*ENERGY_ROWS], gap=0.08) | {"margin": {"t": 56}}
    # the first batch's thousand tokens cost a hundred times as much, and would flatten the rest
    layout["yaxis2"] |= {"type": "log", "rangemode": "normal", "nticks": 5}
    return add_marks(ENERGY.figure(traces, layout, height=390), marks)


def memory(parts: pd.DataFrame) -> go.Figure:
    """Draw one bar a kind of GPU, split into its parts.

    `parts` has gpu (name), part (Weights, Activations, KV cache, Left free), gb (of one GPU); the
    first twenty names are drawn.
    """
    if parts.empty:
        return MEMORY.empty("No GPU")
    parts = parts[parts["gpu"].isin(parts["gpu"].unique()[:KINDS])]
    traces = []
    for part, colour in PARTS.items():
        mine = parts[parts["part"] == part]
        parts_of = bars(mine["gb"], mine["gpu"].astype(str), part, colour, "%{x:.1f} GB")
        traces.append(parts_of | {"orientation": "h"})
    layout = {"barmode": "stack", "bargap": 0.35}
    layout |= {"yaxis": {"type": "category", "autorange": "reversed"}}
    height = 170 + BAR * parts["gpu"].nunique()
    return MEMORY.figure(traces, layout, hover="y unified", height=height)
