"""Latency against load; computed beside the page, which keeps the old picture until then."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from driftsched.charts import load_sweep as load_sweep_chart
from driftsched.experiments import Figures
from driftsched.studio import work
from driftsched.studio.show import compared
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of

REPLICATIONS, FEWEST = 4, 2
LOADS, MOST = 10, 2_000_000
"""Loads, and requests in all of more than `FEWEST` replications."""
PART, _LAST = "sweep", "sweep-last"


@st.fragment(key=PART)
def sweep(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw a percentile against load for each policy, with the knee marked.

    What the engine of the picture's own `figures` could not do will not be done ten times here.
    """
    ensemble, former = figures.ensemble, st.session_state.get(_LAST)
    if not work.engine_ready():
        st.caption("Comes with the fast engine, as soon as that is ready.")
        return
    if {engine for engine, _ in ensemble.engines.values()} != {"compiled"}:
        st.caption("Only the slower engine knows all parts of this scenario; ten loads take long.")
        return
    found = None
    if ensemble.scenarios == view.variants:  # else the picture is not of this view yet
        least = ensemble.requests * len(ensemble.policies) * LOADS
        replications = min(max(MOST // least, FEWEST), REPLICATIONS)
        asked = (replications, view.level, view.metric, view.who)
        found = _sweep(view, asked, "sweep")
        then = None
        if found is not None and before is not None and view.before is not None:
            then = _sweep(view.before, asked, "sweep-before")
    if found is not None:
        st.session_state[_LAST] = found, view
        _draw(found, view, _here(found), then)
    elif former is not None:
        _draw(former[0], former[1], None)


def _sweep(view: View, asked: tuple[Any, ...], slot: str) -> pd.DataFrame | None:
    """The table, its loads as multiples of the scenario as it is set."""
    # the picture spans all loads, whatever is set now
    variants = view.changed(load=1.0).variants
    found = result_of(work.load_sweep, (variants, *asked), slot=slot, wait_s=0, part=PART)
    return None if found is None else found.assign(load=found["load"] / view.load)


def _here(found: pd.DataFrame) -> float:
    """Where the view's own load stands."""
    return float((found["utilisation"] / found["load"]).iloc[0])


def _draw(
    found: pd.DataFrame, view: View, now: float | None, before: pd.DataFrame | None = None
) -> None:
    compared(
        lambda table: load_sweep_chart(table, view.level, view.metric, now),
        (found, before),
        "load-sweep",
        (view.preset, view.level, view.metric, *view.who),
    )
    st.caption(
        f"The scenario as it is set now asks for {_here(found):.2g} times what the hardware can "
        "serve at its busiest. Each point: replications of the same requests, sent faster or "
        "slower; the knee is where load over latency is highest (Kleinrock 1979). "
        "Intervals: Woodruff's for a percentile, for the knee that of paired differences."
    )
