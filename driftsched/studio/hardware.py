"""How far the modelled GPUs are from what was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import pandas as pd
import streamlit as st

from driftsched.scenario import Cluster, Scenario
from driftsched.serving.cost import RooflineConfig
from driftsched.serving.measurements import Measurement, published
from driftsched.studio.words import plain


def measured(scenario: Scenario) -> None:
    """Offer the published measurements of a scenario's GPUs beside what the model says of them."""
    machines = {(each.gpu, each.model, each.tensor_parallel): each for each in scenario.machines}
    with st.expander("GPUs: modelled and measured", icon=":material/speed:"):
        for set_up, machine in machines.items():
            _one_kind(machine, [row for row in published() if row.set_up == set_up])


def _one_kind(machine: Cluster, rows: Sequence[Measurement]) -> None:
    """One kind of replica: its error in a sentence, and row by row."""
    name = plain(f"{machine.model} on {machine.tensor_parallel} × {machine.gpu}")
    if not isinstance(machine.cost, RooflineConfig):
        said = getattr(machine.cost, "provenance", "")
        st.markdown(f"**{name}**: times as given. {plain(said)}")
        return
    if not rows:
        others = _error(published(), RooflineConfig())
        st.markdown(f"**{name}**: nobody has published any. Of others the model is {others}.")
        return
    st.markdown(f"**{name}**: the model is {_error(rows, machine.cost)}.")
    table = {
        "what": [row.part for row in rows],
        "tokens": [row.tokens for row in rows],
        "measured": [f"{row.measured:g} {row.unit}" for row in rows],
        "modelled": [f"{row.predicted(machine.cost):.4g} {row.unit}" for row in rows],
        "error": [f"{100 * row.error(machine.cost):+.0f} %" for row in rows],
        "source": [row.source for row in rows],
    }
    st.dataframe(pd.DataFrame(table), hide_index=True)


def _error(rows: Sequence[Measurement], cost: RooflineConfig) -> str:
    """Mean and largest error in words."""
    errors = [100 * abs(row.error(cost)) for row in rows]
    return f"off by {fmean(errors):.0f} % on average, by {max(errors):.0f} % at most"
