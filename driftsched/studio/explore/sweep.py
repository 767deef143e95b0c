"""Latency against load; computed beside the page, which keeps the old picture until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import streamlit as st

from driftsched.charts import load_sweep as load_sweep_chart
from driftsched.studio import work
from driftsched.studio.jobs import State
from driftsched.studio.show import Beside, chart, problem
from driftsched.studio.view import View
from driftsched.studio.waiting import busy, pool, rerun_part, session_name, work_key

if TYPE_CHECKING:
    from driftsched.experiments import Figures
    from driftsched.studio.jobs import Job

__all__ = ["sweep"]

REPLICATIONS, FEWEST = 4, 2
LOADS = 10
POLL_S = 0.3
FRAGMENT = "sweep"
_LAST, _ASKED = "sweep-last", "sweep-asked"


@st.fragment(key=FRAGMENT)
def sweep(view: View, figures: Figures, before: Figures | None) -> None:
    """Draw a percentile against load for each policy, with the knee marked.

    Parameters
    ----------
    figures, before : Figures
        The picture's own: what their engine could not do will not be done ten times here.
    """
    ensemble = figures.ensemble
    if not work.engine_ready():
        st.caption("Comes with the fast engine, as soon as that is ready.")
        return
    if {engine for engine, _ in ensemble.engines.values()} != {"compiled"}:
        st.caption("Only the slower engine knows all parts of this scenario; ten loads take long.")
        return
    former = st.session_state.get(_LAST)
    if ensemble.scenarios != view.variants:  # the picture is not of this view yet
        if former is not None:
            _draw(former, view, None)
        return
    least = ensemble.requests * len(ensemble.policies) * LOADS
    replications = min(max(work.AT_ONCE // least, FEWEST), REPLICATIONS)
    here = view.scenario.trace is None and replications * least <= work.AT_ONCE
    views = [view] if before is None or view.before is None else [view, view.before]
    # the picture spans all loads, whatever is set now
    variants = [one.changed(load=1.0).variants for one in views]
    asked = [(replications, view.level, tuple(them), *them.values()) for them in variants]
    jobs = [pool().known(work_key(work.load_sweep, args)) for args in asked]
    if all(job is not None and job.ended.is_set() for job in jobs):
        _picture([cast("Job", job) for job in jobs], view)
        return
    st.session_state[_ASKED] = ""
    cast(Callable[..., None], st.fragment(_pending, run_every=POLL_S))(asked, here)
    if former is not None:
        _draw(former, view, None)


def _pending(asked: list[tuple[Any, ...]], here: bool) -> None:
    """Ask once the view stands still, not while a slider moves; then this part runs again alone.

    The rest of the page stays as it is: drawn anew, its download buttons would be others.
    """
    keys = [work_key(work.load_sweep, args) for args in asked]
    if st.session_state[_ASKED] != keys:
        st.session_state[_ASKED] = keys
    else:
        jobs = [
            pool().submit(
                work.load_sweep,
                args,
                key,
                f"{session_name()}/sweep{n}",
                here=here,
                cost=LOADS * work.seconds(args),  # what is in sight goes before it
            )
            for n, (args, key) in enumerate(zip(asked, keys, strict=True))
        ]
        if all(job.ended.is_set() for job in jobs):
            rerun_part(FRAGMENT)
    with busy("sweep"):
        st.caption(":material/hourglass_top: Computing the picture…")


def _picture(jobs: list[Job], view: View) -> None:
    for job in jobs:
        if job.state is not State.DONE:
            problem(job.error, "This could not be computed: ")
            return
    # loads as multiples of the scenario as it is set
    found, *before = (
        job.result.assign(load=job.result["load"] / one.load)
        for job, one in zip(jobs, (view, view.before), strict=False)
        if one is not None
    )
    st.session_state[_LAST] = found
    _draw(found, view, _now(found), before[0] if before else None)


def _here(found: pd.DataFrame) -> float:
    return float((found["utilisation"] / found["load"]).iloc[0])


def _now(found: pd.DataFrame) -> float | None:
    """Where the view's own load stands; None where that is outside of the picture."""
    here = _here(found)
    return here if here <= found["utilisation"].max() else None


def _draw(
    found: pd.DataFrame, view: View, now: float | None, before: pd.DataFrame | None = None
) -> None:
    ghost = None if before is None else load_sweep_chart(before, view.level)
    drawn = load_sweep_chart(found, view.level, now=now)
    chart(drawn, found, "load-sweep", Beside(ghost, (view.preset, view.level)))
    st.caption(
        f"The scenario as it is set now asks for {_here(found):.2g} times what the hardware can "
        "serve at its busiest. Each point: replications of the same requests, sent faster or "
        "slower, end to end; the knee is where load over latency is highest (Kleinrock 1979). "
        "Intervals: Woodruff's for a percentile, for the knee that of paired differences."
    )
