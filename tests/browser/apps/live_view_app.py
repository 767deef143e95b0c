"""A page with a recorded run and one that grows, for test_live_view.py."""

from __future__ import annotations

import time
from functools import cache

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from driftsched.charts.theme import category_colours, tenant_colours
from driftsched.results.tables import RunResult
from driftsched.simulation import simulate
from driftsched.studio.front_end import front_end
from driftsched.studio.live_view import live_payload, live_view, resend_wanted, run_payload
from driftsched.studio.presets import preset

SPEED = 20.0  # run seconds a second, of the run that grows


@cache
def result() -> RunResult:
    return simulate(preset("noisy-neighbour"))


def tables() -> dict[str, pd.DataFrame]:
    run = result()
    return {name: getattr(run, name) for name in ("requests", "queues", "gpus", "learning")}


def colours() -> dict[str, str]:
    requests = result().requests
    names = requests["tenant"].cat.categories, requests["category"].cat.categories
    return tenant_colours(names[0]) | category_colours(names[1])


def start() -> None:
    st.subheader("Start")


def recorded() -> None:
    st.subheader("Recorded")
    if st.button("Rerun"):
        st.caption("Run again.")
    marks = [(0.0, "calm"), (60.0, "burst")]
    live_view(run_payload("recorded", "Noisy neighbour", tables(), colours(), marks=marks), key="r")


def empty() -> None:
    st.subheader("Empty")
    live_view(run_payload("empty", "Nothing yet", {}, {}), key="e")


@st.fragment(run_every=0.5)
def growing() -> None:
    sent = st.session_state.setdefault("sent", {"seq": 0, "now_s": None, "began": time.monotonic()})
    lose = st.session_state.pop("lose", False)
    end_s = float(result().requests["finish_s"].max())
    now_s = min((time.monotonic() - sent["began"]) * SPEED, end_s)
    since_s = None if resend_wanted("g") else sent["now_s"]
    sent |= {"seq": sent["seq"] + 1 + lose, "now_s": now_s}
    words = {"seq": sent["seq"], "since_s": since_s, "now_s": now_s, "done": now_s >= end_s}
    st.text(f"increment {sent['seq']}, {'all' if since_s is None else 'new'}")
    live_view(live_payload("live", "Growing", tables(), colours(), **words), key="g")


def live() -> None:
    st.subheader("Live")
    if st.button("Lose one"):
        st.session_state["lose"] = True
    growing()


if get_script_run_ctx(suppress_warning=True) is None:
    app = st.App(__file__, middleware=front_end(["start", "recorded", "empty", "live"]))
else:
    st.set_page_config(layout="wide")
    st.navigation([st.Page(start), st.Page(recorded), st.Page(empty), st.Page(live)]).run()
