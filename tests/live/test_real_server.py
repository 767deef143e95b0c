"""A real llama.cpp server with a real model: the paper-like preset, scaled down, in both modes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.cli.main import main
from driftsched.live import LiveRun, run_live
from driftsched.results import RunResult, paper_tables, summarise
from driftsched.results.storage import read_run, write_parquet
from driftsched.scenario import Scenario
from tests.support.live_runs import (
    check_conserved,
    check_replayed,
    options,
    out_of_order,
    scaled_paper,
)
from tests.support.llama_server import CONTEXT_TOKENS, SLOTS, llama_server, model_file
from tests.support.patience import SLOWER
from tests.support.scenarios import small

pytestmark = [pytest.mark.slow]
pytest.importorskip("xllamacpp")
if model_file() is None:
    pytest.skip("no model: requirements-model.txt", allow_module_level=True)

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
    # Known beginnings of prompts are not computed again: it saves a minute.
    engine = {"kind": "openai", "endpoints": [address], "api": api, "prefix_cache": True}
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

    engine = {"kind": "openai", "endpoints": [address], "prefix_cache": True}
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
    assert live["ended_s"] - live["stop_asked_s"] < 1.0 * SLOWER
    counts = result.requests["status"].value_counts()
    assert counts["finished"] >= 0.1 * REQUESTS
    assert counts["cancelled"] == REQUESTS - counts["finished"]
    after = run_live(scaled_paper("gang", "fifo", 4), options(engine=engine, time_scale=0.1))
    assert set(after.requests["status"]) == {"finished"}


def test_who_leaves_frees_a_slot_and_tries_again(address: str) -> None:
    """Else the server would generate for nobody, while others wait for its slot."""
    engine = {"kind": "openai", "endpoints": [address], "prefix_cache": True}
    result = run_live(impatient(), options(engine=engine))
    rows = result.requests
    check_conserved(result, len(rows))
    left = rows[rows["status"] == "timed_out"]
    assert set(left["reason"]) == {"not finished within 2 s"}
    assert (left["output_tokens"] < left["max_output_tokens"]).all()
    assert left["output_tokens"].max() > 0, "what came before was thrown away"
    assert len(rows) > 2 * SLOTS
    assert (rows["attempt"] == 2).any()
    after = run_live(scaled_paper("gang", "fifo", 4), options(engine=engine, time_scale=0.1))
    assert set(after.requests["status"]) == {"finished"}, "slots were kept for nobody"


def impatient() -> Scenario:
    """A user a slot with two questions each, who wants a long answer within two seconds."""
    users = {"kind": "closed_loop", "users": SLOTS, "think": {"kind": "constant", "seconds": 0.1}}
    phase = {"name": "only", "requests": 2 * SLOTS, "arrivals": users, "mix": {"report": 1}}
    tenant = {
        "name": "all",
        "share": 1,
        "patience": {"timeout_s": 2},
        "retries": {"attempts": 2, "backoff_s": 0.1},
    }
    report = {
        "name": "report",
        "base_tokens": 400,
        "max_output_tokens": 1000,
        "output_tokens": {"kind": "constant", "tokens": 400},
    }
    engine = {"mode": "continuous", "batch_size": SLOTS}
    return small(tenants=[tenant], categories=[report], phases=[phase], engine=engine)


def test_calibrated_by_a_probe_and_simulated_again(
    address: str, result: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else an endpoint could not be calibrated from outside, or its prompts would look free."""
    if result.scenario.engine.mode == "gang":
        pytest.skip("one run is enough")
    entry, residuals, run = (tmp_path / name for name in ("entry.yaml", "seen.csv", "run"))
    words = ["calibrate", "--engine", "openai", "--endpoint", address, "--batch", "2"]
    words += ["--prompt-words", "5", "60", "--output-tokens", "3", "5", "7"]
    assert main([*words, "--out", str(entry), "--residuals", str(residuals), "--json"]) == 0
    fitted = json.loads(capsys.readouterr().out)
    assert fitted["cost"]["kind"] == "coefficients"
    assert fitted["fit"]["observations"] >= 12
    assert fitted["warnings"], "so few calls were not said to be few"
    seen = pd.read_csv(residuals)
    alone = seen[(seen["iterations"] == 1) & (seen["prompts"] == 1) & (seen["requests"] == 1)]
    long = alone["tokens"] > 80
    # the fastest of each: what else the machine does makes a call slower, never faster
    assert alone.loc[long, "seconds"].min() > 1.2 * alone.loc[~long, "seconds"].min()
    write_parquet(result, run)
    assert main(["twin", str(run), "--cost", str(entry), "--policies", "fifo", "--json"]) == 0
    twin = json.loads(capsys.readouterr().out)
    assert twin["requests"] == REQUESTS
    assert twin["errors"]["e2el"]["p50"]["twin_ms"] > 0
    assert twin["policies"]["fifo"]["completed"] == REQUESTS


def test_prompts_are_computed_in_full_unless_asked_otherwise(
    address: str, result: RunResult
) -> None:
    """Else a workload's repeated prompts would make the server look faster than it is."""
    if result.scenario.engine.mode == "gang":
        pytest.skip("plain completions share few beginnings")
    assert result.requests["cached_tokens"].median() > 10
    engine = {"kind": "openai", "endpoints": [address]}
    whole = run_live(scaled_paper("gang", "fifo", 4), options(engine=engine, time_scale=0.1))
    assert set(whole.requests["cached_tokens"]) == {0}
