"""Latency against load; computed beside the page, which keeps the old picture until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pandas as pd
import streamlit as st

from driftsched.charts import load_sweep as load_sweep_chart
from driftsched.studio import work
from driftsched.studio.jobs import State
from driftsched.studio.show import chart, problem
from driftsched.studio.state import Key, choice, segments
from driftsched.studio.view import View
from driftsched.studio.waiting import busy, pool, rerun_part, session_name, work_key

if TYPE_CHECKING:
    from driftsched.experiments import Ensemble
    from driftsched.studio.jobs import Job

__all__ = ["sweep"]

REPLICATIONS = 4
LOADS = 10
POLL_S = 0.3
FRAGMENT = "sweep"
_LAST, _ASKED = "sweep-last", "sweep-asked"


@st.fragment(key=FRAGMENT)
def sweep(view: View, ensemble: Ensemble) -> None:
    """Draw a percentile against load for each policy, with the knee marked.

    Parameters
    ----------
    view : View
    ensemble : Ensemble
        The picture above: what its engine could not do will not be done ten times here.
    """
    st.subheader("How much load is too much", anchor="load")
    explained = "Which percentile of the end-to-end latency is drawn."
    level = choice("Percentile against load", Key.SWEEP_LEVEL, explained, segments)
    if not work.engine_ready():
        st.caption("Comes with the fast engine, as soon as that is ready.")
        return
    requests = ensemble.requests * len(ensemble.policies) * REPLICATIONS * LOADS
    slow = {engine for engine, _ in ensemble.engines.values()} != {"compiled"}
    if slow or requests > work.AT_ONCE:
        st.caption("This scenario is too big, or has parts that only the slower engine knows.")
        return
    former = st.session_state.get(_LAST)
    if ensemble.scenarios != view.variants:  # the picture above is not of this view yet
        if former is not None:
            _draw(former, level, None)
        return
    variants = view.changed(load=1.0).variants  # the picture spans all loads, whatever is set now
    args = (REPLICATIONS, level, tuple(variants), *variants.values())
    job = pool().known(work_key(work.load_sweep, args))
    if job is not None and job.ended.is_set():
        _picture(job, level, view.load)
        return
    st.session_state[_ASKED] = ""
    cast(Callable[..., None], st.fragment(_pending, run_every=POLL_S))(args)
    if former is not None:
        _draw(former, level, None)


def _pending(args: tuple[object, ...]) -> None:
    """Ask once the view stands still, not while a slider moves; then this part runs again alone.

    The rest of the page stays as it is: drawn anew, its download buttons would be others.
    """
    key = work_key(work.load_sweep, args)
    if st.session_state[_ASKED] != key:
        st.session_state[_ASKED] = key
    else:
        owner = f"{session_name()}/sweep"
        cost = LOADS * work.seconds(args)  # what is in sight goes before it
        if pool().submit(work.load_sweep, args, key, owner, here=True, cost=cost).ended.is_set():
            rerun_part(FRAGMENT)
    with busy("sweep"):
        st.caption(":material/hourglass_top: Computing the picture…")


def _picture(job: Job, level: float, load: float) -> None:
    if job.state is not State.DONE:
        problem(job.error, "This could not be computed: ")
        return
    found = job.result.assign(load=job.result["load"] / load)  # against the scenario as it is set
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
