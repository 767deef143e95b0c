"""What the traffic looks like before anything runs: load in words, arrivals, lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from driftsched.charts.arrivals import LOOK_AT as LOOK_AT_ARRIVALS
from driftsched.charts.arrivals import arrivals
from driftsched.charts.lengths import LOOK_AT as LOOK_AT_LENGTHS
from driftsched.charts.lengths import lengths
from driftsched.errors import InputError
from driftsched.scenario import Scenario
from driftsched.studio.show import chart
from driftsched.workload import (
    Finding,
    arrival_preview,
    findings,
    length_preview,
    preview_marks,
)

__all__ = ["previews"]

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
    marks: list[tuple[float, str]]
    findings: tuple[Finding, ...]


def previews(scenario: Scenario) -> None:
    """Draw the previews of a valid scenario: what will happen in words, arrivals, lengths."""
    st.subheader("Preview", anchor=False, help="Of the last valid scenario, before anything runs.")
    if sum(phase.expected_requests for phase in scenario.phases) > MOST_REQUESTS:
        st.info(TOO_MANY, icon=":material/info:")
        return
    try:
        seen = _preview(scenario.model_dump_json(by_alias=True))
    except InputError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    for finding in seen.findings:
        colour, icon = SIGNS[finding.level]
        st.markdown(f":{colour}[:material/{icon}:] {escaped(finding.text)}")
    chart(arrivals(seen.times, seen.marks), LOOK_AT_ARRIVALS, seen.times, "arrivals")
    chart(lengths(seen.sizes), LOOK_AT_LENGTHS, seen.sizes, "lengths")


def escaped(text: str) -> str:
    """Keep a user's own names from being read as Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|])", r"\\\1", text)


@st.cache_data(max_entries=32, show_spinner="Drawing the traffic…")
def _preview(scenario_json: str) -> Preview:
    scenario = Scenario.model_validate_json(scenario_json)
    return Preview(
        arrival_preview(scenario),
        length_preview(scenario),
        preview_marks(scenario),
        findings(scenario),
    )
