"""What the traffic looks like before anything runs: load in words, arrivals, lengths."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.charts.arrivals import LOOK_AT as LOOK_AT_ARRIVALS
from driftsched.charts.arrivals import arrivals
from driftsched.charts.lengths import LOOK_AT as LOOK_AT_LENGTHS
from driftsched.charts.lengths import lengths
from driftsched.charts.marks import phase_marks
from driftsched.errors import InputError
from driftsched.scenario import Scenario
from driftsched.studio.show import chart
from driftsched.workload import arrival_preview, length_preview, offered_load

__all__ = ["load_in_words", "previews"]

MOST_REQUESTS = 200_000
TOO_MANY = f"More than {MOST_REQUESTS:,} requests: no preview, it would take too long."
Tables = tuple[pd.DataFrame, pd.DataFrame, tuple[tuple[str, float], ...]]


def previews(scenario: Scenario) -> None:
    """Draw the previews of a valid scenario."""
    st.subheader("Preview", anchor=False, help="Of the last valid scenario, before anything runs.")
    if _expected(scenario) > MOST_REQUESTS:
        st.info(TOO_MANY, icon=":material/info:")
        return
    try:
        times, sizes, loads = _tables(scenario.model_dump_json(by_alias=True))
    except InputError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    for name, rho in loads:
        colour, icon = ("red", "trending_up") if rho >= 1 else ("green", "check_circle")
        st.markdown(f":{colour}[:material/{icon}:] {load_in_words(name, rho)}")
    chart(arrivals(times, phase_marks(times, "time_s")), LOOK_AT_ARRIVALS, times, "arrivals")
    chart(lengths(sizes), LOOK_AT_LENGTHS, sizes, "lengths")


def load_in_words(phase: str, rho: float) -> str:
    """Say what a phase's load means.

    Examples
    --------
    >>> load_in_words("stress", 2.3)
    '**stress** asks for 2.3× what the GPU can serve: the queue grows while it lasts.'
    """
    if rho >= 1:
        asks, means = f"{rho:.1f}×", "the queue grows while it lasts"
        if rho < 1.05:
            asks, means = "just about all of", "any burst leaves a long queue"
        return f"**{phase}** asks for {asks} what the GPU can serve: {means}."
    means = "queues form in bursts" if rho > 0.7 else "queues stay short"
    return f"**{phase}** asks for {100 * rho:.0f} % of what the GPU can serve: {means}."


def _expected(scenario: Scenario) -> float:
    return sum(phase.expected_requests for phase in scenario.phases)


@st.cache_data(max_entries=32, show_spinner="Drawing the traffic…")
def _tables(scenario_json: str) -> Tables:
    scenario = Scenario.model_validate_json(scenario_json)
    loads = tuple((phase.phase, phase.rho) for phase in offered_load(scenario).phases)
    return arrival_preview(scenario), length_preview(scenario), loads
