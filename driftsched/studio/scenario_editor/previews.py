"""What will happen, before anything runs: in words, and as arrivals, load, lengths, memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from driftsched.charts.arrivals import LOOK_AT as LOOK_AT_ARRIVALS
from driftsched.charts.arrivals import arrivals
from driftsched.charts.lengths import LOOK_AT as LOOK_AT_LENGTHS
from driftsched.charts.lengths import lengths
from driftsched.charts.load import LOOK_AT as LOOK_AT_LOAD
from driftsched.charts.load import load
from driftsched.charts.memory import LOOK_AT as LOOK_AT_MEMORY
from driftsched.charts.memory import memory
from driftsched.core.errors import InputError
from driftsched.scenario import Scenario
from driftsched.serving.memory import memory_parts
from driftsched.studio.show import chart
from driftsched.workload import (
    Finding,
    arrival_preview,
    drifted_lengths,
    findings,
    generate,
    length_preview,
    load_over_time,
    preview_marks,
    stretches_frame,
)

__all__ = ["Preview", "pictures", "preview"]

MOST_REQUESTS = 200_000
TOO_MANY = f"More than {MOST_REQUESTS:,} requests: no preview, it would take too long."
SIGNS = {
    "error": ("red", "error"),
    "warning": ("orange", "trending_up"),
    "info": ("blue", "info"),
    "ok": ("green", "check_circle"),
}


@dataclass(frozen=True)
class Preview:
    """What is shown before anything runs."""

    times: pd.DataFrame
    sizes: pd.DataFrame
    drifted: pd.DataFrame
    stretches: pd.DataFrame
    parts: pd.DataFrame
    marks: list[tuple[float, str]]
    findings: tuple[Finding, ...]


def preview(scenario: Scenario) -> Preview | None:
    """Say what will happen in a valid scenario; return what its pictures show.

    Returns
    -------
    Preview or None
        None where it would take too long, or cannot be had; why is said.
    """
    st.subheader(
        "What will happen", anchor=False, help="Of the last valid scenario, before anything runs."
    )
    if sum(phase.expected_requests for phase in scenario.phases) > MOST_REQUESTS:
        st.info(TOO_MANY, icon=":material/info:")
        return None
    try:
        seen = _preview(scenario.model_dump_json(by_alias=True))
    except InputError as error:
        st.warning(escaped(str(error)), icon=":material/warning:")
        return None
    for finding in seen.findings:
        colour, icon = SIGNS[finding.level]
        st.markdown(f":{colour}[:material/{icon}:] {escaped(finding.text)}")
    st.caption(
        f"Counted on the very requests that seed {scenario.seed} brings, so without intervals; how "
        "far other seeds differ is on Explore and Run."
    )
    return seen


def pictures(seen: Preview) -> None:
    """Draw arrivals, load, lengths and memory, two side by side."""
    left, right = st.columns(2, gap="large")
    with left:
        chart(arrivals(seen.times, seen.marks), LOOK_AT_ARRIVALS, seen.times, "arrivals")
    with right:
        chart(load(seen.stretches, seen.marks), LOOK_AT_LOAD, seen.stretches, "load")
    left, right = st.columns(2, gap="large")
    with left:
        drifted = None if seen.drifted.empty else seen.drifted
        chart(lengths(seen.sizes, drifted=drifted), LOOK_AT_LENGTHS, seen.sizes, "lengths")
    with right:
        chart(memory(seen.parts), LOOK_AT_MEMORY, seen.parts, "memory")


def escaped(text: str) -> str:
    """Keep a user's own names from being read as Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|])", r"\\\1", text)


@st.cache_data(max_entries=32, show_spinner="Drawing the traffic…")
def _preview(scenario_json: str) -> Preview:
    scenario = Scenario.model_validate_json(scenario_json)
    workload = generate(scenario)
    return Preview(
        arrival_preview(scenario, workload=workload),
        length_preview(scenario),
        drifted_lengths(scenario, workload),
        stretches_frame(load_over_time(scenario, workload)),
        _memory(scenario),
        preview_marks(scenario, workload),
        findings(scenario, workload),
    )


def _memory(scenario: Scenario) -> pd.DataFrame:
    """Memory of each kind of replica's GPUs, once."""
    kinds = {
        f"{machine.gpu} for {machine.model}": memory_parts(machine)
        for machine in scenario.cluster.machines
    }
    rows = [(gpu, part, gb) for gpu, parts in kinds.items() for part, gb in parts.items()]
    return pd.DataFrame(rows, columns=["gpu", "part", "gb"])
