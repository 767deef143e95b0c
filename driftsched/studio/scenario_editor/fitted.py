"""A scenario fitted to the uploaded trace: picture, distances, and a button that takes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from driftsched.charts import fit as fit_chart
from driftsched.core.errors import InputError
from driftsched.scenario import Scenario, from_yaml, to_yaml
from driftsched.studio.scenario_editor.draft import Draft
from driftsched.studio.show import chart
from driftsched.studio.state import set_scenario
from driftsched.workload.fit import fit_trace

__all__ = ["fitted"]

KEEP = {True: "This scenario's", False: "The file's clients, one category"}


def fitted(draft: Draft, scenario: Scenario) -> None:
    """Offer to replace a trace by processes fitted to it.

    Parameters
    ----------
    scenario : Scenario
        With a trace that the browser may name.
    """
    if not st.toggle(
        "Fit a scenario to it",
        key=draft.key("trace-fit"),
        help="Arrivals and lengths become processes with a few parameters, which can be changed, "
        "scaled and repeated with other seeds.",
    ):
        return
    keep = st.radio(
        "Tenants and categories",
        list(KEEP),
        key=draft.key("trace-fit-keep"),
        format_func=lambda value: KEEP[value],
        horizontal=True,
    )
    try:
        text, table, curves = _fit(scenario.model_dump_json(by_alias=True), bool(keep))
    except InputError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.dataframe(table, hide_index=True)
    chart(fit_chart(curves), curves, "fit")
    if st.button(
        "Take the fitted scenario",
        key=draft.key("trace-fit-take"),
        icon=":material/auto_graph:",
        help="Replace the scenario: its traffic is drawn from then on, no longer read.",
    ):
        taken = from_yaml(text)
        draft.take(taken)
        set_scenario(taken)
        st.rerun()


@st.cache_data(max_entries=8, show_spinner="Fitting…")
def _fit(scenario_json: str, keep: bool) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    scenario = Scenario.model_validate_json(scenario_json)
    if scenario.trace is None:
        raise InputError("scenario must have a trace to fit, got none")
    base = scenario if keep else None
    found = fit_trace(
        Path(scenario.trace.file), scenario.trace, base, f"{scenario.name[:33]}-fitted"
    )
    return to_yaml(found.scenario), found.table(), found.curves()
