"""The server's live runs in a table: who runs what, and how it ended."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.studio.jobs import State
from driftsched.studio.live.runs import LiveJob
from driftsched.studio.live.server import live_runs
from driftsched.studio.live.start import session
from driftsched.studio.live.state import LiveKey

__all__ = ["history", "watched"]

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
    found = next((job for job in jobs if job.run_id == chosen), None)
    under_way = next((job for job in jobs if not job.ended.is_set()), None)
    return found or under_way or next(iter(jobs), None)


def history(shown: LiveJob | None) -> None:
    """List the live runs since the server started; a click shows one."""
    jobs = live_runs().all()
    if not jobs:
        st.caption(
            "No live run since the server started. Earlier ones are in the run library: "
            "`python -m driftsched library` lists them."
        )
        return
    st.subheader("Live runs on this server", anchor="live-runs")
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
        st.session_state[LiveKey.WATCHED] = jobs[rows[0]].run_id
        st.rerun()
    st.caption("Choose a row to look at that run.")


def _row(job: LiveJob, shown: LiveJob | None) -> dict[str, object]:
    status = [] if job.result is None else job.result.requests["status"].astype(str).tolist()
    return {
        "Shown": "●" if job is shown else "",
        "Run": job.title,
        "Engine": ", ".join(job.engines),
        "Started": job.started,
        "By": "you" if job.owner == session() else "another visitor",
        "State": "stopping" if job.stopping and not job.ended.is_set() else WORDS[job.state],
        "Finished": status.count("finished"),
        "Other ends": len(status) - status.count("finished"),
        "Saved as": job.saved,
    }
