"""Latency against load; computed beside the page, which keeps the old picture until then."""

from __future__ import annotations

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
        found = _sweep(view, replications, "sweep")
        then = None
        if found is not None and before is not None and view.before is not None:
            then = _sweep(view.before, replications, "sweep-before")
    if found is not None:
        st.session_state[_LAST] = found
        here = _here(found)
        now = here if here <= found["utilisation"].max() else None
        _draw(found, view, now, then)
    elif former is not None:
        _draw(former, view, None)


def _sweep(view: View, replications: int, slot: str) -> pd.DataFrame | None:
    """The table, its loads as multiples of the scenario as it is set."""
    # the picture spans all loads, whatever is set now
    variants = view.changed(load=1.0).variants
    asked = (variants, replications, view.level)
    found = result_of(work.load_sweep, asked, slot=slot, wait_s=0, part=PART)
    return None if found is None else found.assign(load=found["load"] / view.load)


def _here(found: pd.DataFrame) -> float:
    """Where the view's own load stands."""
    return float((found["utilisation"] / found["load"]).iloc[0])


def _draw(
    found: pd.DataFrame, view: View, now: float | None, before: pd.DataFrame | None = None
) -> None:
    compared(
        lambda table: load_sweep_chart(table, view.level, now=now),
        (found, before),
        "load-sweep",
        (view.preset, view.level),
    )
    st.caption(
        f"The scenario as it is set now asks for {_here(found):.2g} times what the hardware can "
        "serve at its busiest. Each point: replications of the same requests, sent faster or "
        "slower, end to end; the knee is where load over latency is highest (Kleinrock 1979). "
        "Intervals: Woodruff's for a percentile, for the knee that of paired differences."
    )
