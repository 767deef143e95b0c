"""Energy of a run as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import energy as energy_chart
from driftsched.results.energy import energy_over_time
from driftsched.results.marks import phase_marks
from driftsched.studio.show import chart

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["energy"]


def energy(result: RunResult) -> None:
    """Draw energy over time, where it is known."""
    table = energy_over_time(result.gpus, result.requests)
    if table.empty:
        return
    st.subheader("Energy", anchor="energy")
    chart(energy_chart(table, phase_marks(result.requests)), table, "energy")
