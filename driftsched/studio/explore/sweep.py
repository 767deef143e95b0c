"""Latency against load; computed beside the page, which keeps the old picture until then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import streamlit as st

from driftsched.charts import load_sweep as load_sweep_chart
from driftsched.core.errors import DriftSchedError
from driftsched.studio.answers import answers
from driftsched.studio.explore.ask import at_once, ready
from driftsched.studio.linked import CHOICES
from driftsched.studio.show import chart
from driftsched.studio.state import Key, View
from driftsched.studio.waiting import busy, rerun_part, session_name, work_key
from driftsched.studio.whatif import variants

if TYPE_CHECKING:
    from concurrent.futures import Future

    from driftsched.scenario import Scenario

__all__ = ["sweep"]

REPLICATIONS = 4
POLL_S = 0.3
WEIGHT = 1000
FRAGMENT = "sweep"
_LAST, _ASKED = "sweep-last", "sweep-asked"


@st.fragment(key=FRAGMENT)
def sweep(view: View) -> None:
    """Draw a percentile against load for each policy, with the knee marked."""
    st.subheader("How much load is too much", anchor="load")
    level = st.segmented_control(
        "Percentile against load",
        list(CHOICES[Key.SWEEP_LEVEL]),
        key=Key.SWEEP_LEVEL,
        bind="query-params",
        default=95.0,
        required=True,
        format_func=CHOICES[Key.SWEEP_LEVEL].__getitem__,
        help="Which percentile of the end-to-end latency is drawn.",
    )
    loaded = variants(view.effective, view.policies, view.tuned)
    if not ready():
        st.caption("Comes with the fast engine, as soon as that is ready.")
        return
    try:
        fast = at_once(loaded, REPLICATIONS * 10)
    except DriftSchedError:
        fast = False
    if not fast:
        st.caption("This scenario is too big, or has parts that only the slower engine knows.")
        return
    key = work_key(_compute, (float(level), tuple(loaded), *loaded.values()))
    future = answers().known(key)
    if future is not None and future.done():
        _picture(future, float(level))
        return
    st.session_state[_ASKED] = ""
    cast(Callable[..., None], st.fragment(_pending, run_every=POLL_S))(key, loaded, float(level))
    former = st.session_state.get(_LAST)
    if former is not None:
        _draw(former, level, None)


def _compute(
    scenarios: dict[str, Scenario], level: float, progress: Callable[[float], None]
) -> pd.DataFrame:
    from driftsched.experiments.load_sweep import load_sweep

    return load_sweep(scenarios, REPLICATIONS, percentile=level, progress=progress)


def _pending(key: str, scenarios: dict[str, Scenario], level: float) -> None:
    """Ask once the view stands still, not while a slider moves; then this part runs again alone.

    The rest of the page stays as it is: drawn anew, its download buttons would be others.
    """
    if st.session_state[_ASKED] != key:
        st.session_state[_ASKED] = key
    else:
        owner = f"{session_name()}/sweep"
        make = partial(_compute, scenarios, level)
        if answers().ask(key, make, WEIGHT, owner).done():
            rerun_part(FRAGMENT)
    with busy("sweep"):
        st.caption(":material/hourglass_top: Computing the picture…")


def _picture(future: Future[Any], level: float) -> None:
    try:
        found = future.result()
    except DriftSchedError as error:
        st.error(f"This could not be computed: {error}", icon=":material/error:")
        return
    st.session_state[_LAST] = found
    _draw(found, level, _now(found))


def _here(found: pd.DataFrame) -> float:
    return float((found["utilisation"] / found["load"]).iloc[0])


def _now(found: pd.DataFrame) -> float | None:
    """Where the view's own load stands; None where that is outside of the picture."""
    here = _here(found)
    return here if here <= found["utilisation"].max() else None


def _draw(found: pd.DataFrame, level: float, now: float | None) -> None:
    chart(load_sweep_chart(found, level, now=now), found, "load-sweep")
    here = _here(found)
    st.caption(
        f"The scenario as it is set now asks for {here:.2g} times what the hardware can serve at "
        f"its busiest. Each point: {REPLICATIONS} replications of the same requests, sent faster "
        "or slower; the knee is where load over latency is highest (Kleinrock 1979). Intervals: "
        "Woodruff's for a percentile, for the knee that of paired differences between loads."
    )
