"""A page with a recorded run and one that grows, for test_live_view.py."""

from __future__ import annotations

from functools import cache

import pandas as pd
import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from driftsched.results.tables import RunResult
from driftsched.simulation import simulate
from driftsched.studio.front_end.middleware import FrontEnd
from driftsched.studio.link import preset
from driftsched.studio.live_view import live_view

STEP_S = 2.0  # run seconds an update, of the run that grows: a slow machine sees it grow too


@cache
def result() -> RunResult:
    return simulate(preset("noisy-neighbour"))


def tables() -> dict[str, pd.DataFrame]:
    run = result()
    return {name: getattr(run, name) for name in ("requests", "queues", "gpus", "learning")}


def start() -> None:
    st.subheader("Start")


def recorded() -> None:
    st.subheader("Recorded")
    if st.button("Rerun"):
        st.caption("Run again.")
    marks = [(0.0, "calm"), (60.0, "burst")]
    live_view("recorded", "Noisy neighbour", tables(), marks=marks, key="r")


def empty() -> None:
    st.subheader("Empty")
    live_view("empty", "Nothing yet", {}, key="e")


@st.fragment(run_every=0.5)
def growing() -> None:
    sent = st.session_state.setdefault("sent", {"seq": 0})
    end_s = float(result().requests["finish_s"].max())
    sent["seq"] += 1
    now_s = min(sent["seq"] * STEP_S, end_s)
    st.text(f"update {sent['seq']}")
    so_far = {name: until(frame, now_s) for name, frame in tables().items()}
    live_view("live", "Growing", so_far, now_s=now_s, done=now_s >= end_s, key="g")


def until(frame: pd.DataFrame, now_s: float) -> pd.DataFrame:
    """What a live run's tables hold by then; a request under way has an empty status."""
    if "time_s" in frame:
        return frame[frame["time_s"] <= now_s]
    arrived = frame[frame["arrival_s"] <= now_s]
    under_way = ~(arrived["finish_s"] <= now_s)
    return arrived.assign(status=arrived["status"].astype(str).mask(under_way, ""))


def live() -> None:
    st.subheader("Live")
    growing()


if get_script_run_ctx(suppress_warning=True) is None:
    pages = ["start", "recorded", "empty", "live"]
    app = st.App(__file__, middleware=[Middleware(FrontEnd, pages=pages)])
else:
    st.set_page_config(layout="wide")
    st.navigation([st.Page(start), st.Page(recorded), st.Page(empty), st.Page(live)]).run()
