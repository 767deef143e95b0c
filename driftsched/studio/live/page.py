"""The live half of the Run page, and the server's live runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.studio.jobs import State
from driftsched.studio.live.follow import ended, follow
from driftsched.studio.live.runs import LiveJob, live_runs
from driftsched.studio.live.setup import engine_setup
from driftsched.studio.live.start import connection_test, start_button
from driftsched.studio.live.state import LiveKey
from driftsched.studio.sidebar import foot
from driftsched.studio.state import Key, choice, segments
from driftsched.studio.view import View
from driftsched.studio.waiting import session_name


def world() -> str:
    """Draw the switch between the two worlds; it is part of the page's link."""
    explained = "Simulated: a modelled GPU, done in a moment. Live: a real engine, in real time."
    chosen = choice("World", Key.WORLD, explained, segments, label_visibility="collapsed")
    return str(chosen)


def live_page(view: View) -> None:
    """Set up an engine, start a run on it, watch the server's live runs."""
    options = engine_setup()
    if options is not None:
        connection_test(options)
        start_button(view.effective, options)
    job = watched()
    if job is not None:
        st.divider()
        (ended if job.ended.is_set() else follow)(job)
    history(job)
    foot()


WORDS = {
    State.RUNNING: "running",
    State.DONE: "finished",
    State.CANCELLED: "stopped",
    State.FAILED: "failed",
}


def watched() -> LiveJob | None:
    """The run this session looks at: the one it chose, else one under way, else the newest."""
    jobs = live_runs().all()
    chosen = st.session_state.get(LiveKey.WATCHED)
    found = next((job for job in jobs if job.key == chosen), None)
    under_way = next((job for job in jobs if not job.ended.is_set()), None)
    return found or under_way or next(iter(jobs), None)


def history(shown: LiveJob | None) -> None:
    """List the live runs since the server started; a click shows one."""
    jobs = live_runs().all()
    if not jobs:
        st.caption("No live run since the server started. Earlier ones are on the page Library.")
        return
    st.header("Live runs on this server", anchor="live-runs")
    table = pd.DataFrame([_row(job, shown) for job in jobs])
    picked = st.dataframe(
        table,
        hide_index=True,
        key="live-history",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"Started": st.column_config.DatetimeColumn(format="HH:mm:ss")},
    )
    rows = picked["selection"]["rows"]
    if rows and jobs[rows[0]] is not shown:
        st.session_state[LiveKey.WATCHED] = jobs[rows[0]].key
        st.rerun()
    st.caption("Choose a row to look at that run.")


def _row(job: LiveJob, shown: LiveJob | None) -> dict[str, object]:
    status = [] if job.result is None else job.result.requests["status"].astype(str).tolist()
    return {
        "Shown": "●" if job is shown else "",
        "Run": job.title,
        "Engine": ", ".join(job.engines),
        "Started": job.started,
        "By": "you" if job.owner == session_name() else "another visitor",
        "State": "stopping" if job.stopping and not job.ended.is_set() else WORDS[job.state],
        "Finished": status.count("finished"),
        "Other ends": len(status) - status.count("finished"),
        "Saved as": job.saved,
    }
