"""What all visitors share stands whatever one of them does."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from driftsched.studio.jobs import State
from driftsched.studio.live.runs import live_runs
from driftsched.studio.waiting import pool
from tests.studio import tasks
from tests.support.patience import STEP_S, await_true


def test_clearing_streamlits_caches_ends_nobodys_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any browser may send that message; whoever started a run must be the one who stops it."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    go = tmp_path / "go"
    run = live_runs().start(
        tasks.grow, (str(go),), title="A run", engines=("clear-cache",), owner="ann"
    )
    job = pool().submit(tasks.until_file, (str(go),), "clear-cache", "ann")
    await_true(lambda: job.progress == 0.5 and run.snapshot is not None)
    st.cache_data.clear()
    st.cache_resource.clear()
    assert run in live_runs().all()
    assert pool().known("clear-cache") is job
    go.touch()
    assert job.wait(STEP_S)
    assert run.wait(STEP_S)
    assert (job.state, run.state) == (State.DONE, State.DONE)
