"""What will happen, before a run is asked for: a short one in words, and in pictures."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from driftsched.charts import arrivals, gpu, lengths, memory, queue_depth
from driftsched.experiments.forecast import Forecast
from driftsched.scenario import Scenario
from driftsched.serving.memory import memory_parts
from driftsched.studio import work
from driftsched.studio.hardware import measured
from driftsched.studio.show import chart
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of
from driftsched.studio.words import plain

FIRST = 3
"""Findings that are in sight; the rest can be unfolded."""
SIGNS = {
    "error": ("red", "error"),
    "warning": ("orange", "trending_up"),
    "info": ("blue", "info"),
    "ok": ("green", "check_circle"),
}


def preview(view: View) -> Forecast | None:
    """Say what happens in a short run of what Run runs, and return it once it is there."""
    scenario = view.effective
    st.header(
        "What will happen",
        anchor=False,
        help="Of the last valid scenario, from a short run; how far others differ is on Explore "
        "and Run.",
    )
    seen = cast("Forecast | None", result_of(work.short_run, (scenario,), slot="preview", wait_s=5))
    if seen is None:
        return None
    said = []
    for finding in seen.findings:
        colour, icon = SIGNS[finding.level]
        said.append(f":{colour}[:material/{icon}:] {plain(finding.text)}")
    st.markdown("\n\n".join(said[:FIRST]))
    if said[FIRST:]:
        with st.expander(f"{len(said) - FIRST} more"):
            st.markdown("\n\n".join(said[FIRST:]))
    part = "" if seen.share == 1 else f" of the first {100 * seen.share:.2g} % of the requests"
    st.caption(f"One run{part}, seed {scenario.seed}{view.what_if}.")
    return seen


def pictures(scenario: Scenario, seen: Forecast) -> None:
    """Draw arrivals, queue, lengths, GPU and memory, two side by side."""
    drifted = seen.requests[seen.requests["drifted"]]
    parts = _memory(scenario)
    left, right = st.columns(2, gap="large")
    with left:
        chart(arrivals(seen.arrivals, seen.marks), seen.arrivals, "arrivals")
        figure = lengths(seen.requests, drifted=None if drifted.empty else drifted)
        chart(figure, seen.requests, "lengths")
        chart(memory(parts), parts, "memory")
    with right:
        chart(queue_depth(seen.queues, seen.marks), seen.queues, "queue")
        chart(gpu(seen.gpus, seen.marks), seen.gpus, "gpu")
        measured(scenario)


def _memory(scenario: Scenario) -> pd.DataFrame:
    """Memory of each kind of replica's GPUs, once."""
    kinds = {
        f"{machine.gpu} for {machine.model}": memory_parts(machine)
        for machine in scenario.cluster.machines
    }
    rows = [(kind, part, gb) for kind, parts in kinds.items() for part, gb in parts.items()]
    return pd.DataFrame(rows, columns=["gpu", "part", "gb"])
