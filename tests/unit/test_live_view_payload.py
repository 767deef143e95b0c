"""What the live view is given: right at every instant, small, and plain JSON."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.studio.live_view.learned import DRIFT_WINDOW
from driftsched.studio.live_view.payload import live_payload, run_payload

Tables = dict[str, pd.DataFrame]
COLOURS = {"a": "#0072B2", "b": "#C98800", "short": "#009E73"}


def hand_made() -> Tables:
    requests = pd.DataFrame(
        {
            "request_id": [0, 1, 2, 3],
            "tenant": ["a", "b", "a", "b"],
            "category": ["short"] * 4,
            "arrival_s": [0.0, 1.0, 2.0, 3.0],
            "dispatch_s": [0.0, 2.0, np.nan, 4.0],
            "finish_s": [2.0, 5.0, np.nan, 5.0],
            "e2e_s": [2.0, 4.0, np.nan, np.nan],
            "status": ["finished", "finished", "rejected", "cancelled"],
            "estimated_output_tokens": [10, 10, 10, 10],
            "counted_output_tokens": [20, 5, 0, 0],
        }
    )
    queues = pd.DataFrame(
        {
            "time_s": [0.0, 1.0, 2.0, 2.0, 5.0],
            "tenant": ["a", "b", "a", "b", "b"],
            "waiting": [0, 1, 0, 0, 0],
            "running": [1, 0, 0, 1, 0],
        }
    )
    gpus = pd.DataFrame({"time_s": [0.0, 0.0, 4.0], "replica": [0, 1, 0], "running": [1, 0, 1]})
    gpus = gpus.assign(kv_used_tokens=[50, 0, 100], kv_capacity_tokens=100)
    learning = pd.DataFrame({"time_s": [2.0, 5.0], "key": ["short"] * 2, "bias": [1.5, 1.2]})
    learning = learning.assign(estimated_output_tokens=10, output_tokens=[20, 5])
    return {"requests": requests, "queues": queues, "gpus": gpus, "learning": learning}


def big(count: int = 3000, tenants: int = 3) -> Tables:
    rng = np.random.default_rng(7)
    names = [f"tenant-{place}" for place in range(tenants)]
    categories = ["short_qa", "summary", "technical", "report"]
    arrival_s = np.sort(rng.uniform(0, 600, count))
    finish_s = arrival_s + rng.lognormal(1, 1, count)
    tenant, category = rng.choice(names, count), rng.choice(categories, count)
    requests = pd.DataFrame({"tenant": tenant, "category": category, "arrival_s": arrival_s})
    requests = requests.assign(dispatch_s=arrival_s, finish_s=finish_s, e2e_s=finish_s - arrival_s)
    requests = requests.assign(status="finished", estimated_output_tokens=100)
    time_s = np.sort(np.r_[arrival_s, finish_s])
    queues = pd.DataFrame({"time_s": time_s, "tenant": np.tile(tenant, 2)})
    queues = queues.assign(waiting=rng.integers(0, 90, 2 * count), running=rng.integers(0, 9))
    gpus = pd.DataFrame({"time_s": np.arange(0, 600, 0.5), "replica": 0, "running": 3})
    gpus = gpus.assign(kv_used_tokens=rng.integers(0, 61_000, 1200), kv_capacity_tokens=61_645)
    order = np.argsort(finish_s)
    learning = pd.DataFrame({"time_s": finish_s[order], "key": category[order]})
    learning = learning.assign(bias=rng.lognormal(0, 0.3, count), estimated_output_tokens=97)
    learning["output_tokens"] = rng.integers(1, 300, count)
    return {"requests": requests, "queues": queues, "gpus": gpus, "learning": learning}


def strict(payload: dict[str, Any]) -> str:
    return json.dumps(payload, allow_nan=False)


def test_levels_are_the_last_at_or_before_each_instant() -> None:
    payload = run_payload("r", "Run", hand_made(), COLOURS, points=6)
    queue = payload["queue"]
    assert payload["duration_s"] == 5
    assert queue["time_s"] == [0, 1, 2, 3, 4, 5]
    assert queue["waiting"] == {"a": [0] * 6, "b": [0, 1, 0, 0, 0, 0]}
    assert queue["running"] == [1, 1, 1, 1, 1, 0]
    assert queue["kv_used_share"] == [0.25, 0.25, 0.25, 0.25, 0.5, 0.5]
    assert queue["finished"] == [0, 0, 1, 1, 1, 2]
    assert queue["rejected"] == [0, 0, 1, 1, 1, 1]
    assert queue["failed"][-1] == 1, "the cancelled one"


def test_only_finished_requests_have_a_latency() -> None:
    latency = run_payload("r", "Run", hand_made(), COLOURS)["latency"]
    assert latency == {"finish_s": [2, 5], "e2e_s": [2, 4], "tenant": [0, 1]}


def test_drift_is_the_moving_mean_of_actual_over_estimated() -> None:
    tables = hand_made()
    learning = run_payload("r", "Run", tables, COLOURS)["learning"]
    assert learning == {"short": {"time_s": [2, 5], "bias": [1.5, 1.2], "drift": [2, 1.25]}}
    many = pd.DataFrame({"time_s": np.arange(50.0), "key": "short", "bias": 1.0})
    many = many.assign(
        estimated_output_tokens=10, output_tokens=np.where(np.arange(50) < 25, 10, 20)
    )
    drift = run_payload("r", "Run", tables | {"learning": many}, COLOURS)["learning"]["short"][
        "drift"
    ]
    assert drift[24] == 1
    assert drift[24 + DRIFT_WINDOW] == 2


def test_without_a_learning_table_the_requests_tell_the_drift() -> None:
    tables = hand_made() | {"learning": pd.DataFrame()}
    learning = run_payload("r", "Run", tables, COLOURS)["learning"]
    assert learning == {"short": {"time_s": [2, 5], "bias": [None, None], "drift": [2, 1.25]}}


def test_an_estimate_of_zero_gives_null_and_not_infinity() -> None:
    tables = hand_made()
    tables["learning"]["estimated_output_tokens"] = 0
    payload = run_payload("r", "Run", tables, COLOURS)
    strict(payload)
    assert payload["learning"]["short"]["drift"] == [None, None]


def test_unknown_memory_is_null() -> None:
    tables = hand_made()
    tables["gpus"] = tables["gpus"].assign(kv_used_tokens=np.nan)
    assert run_payload("r", "Run", tables, COLOURS)["queue"]["kv_used_share"] is None


@pytest.mark.parametrize("tables", [{}, {name: hand_made()[name].head(0) for name in hand_made()}])
def test_nothing_yet_is_an_empty_picture(tables: Tables) -> None:
    payload = run_payload("r", "Run", tables, COLOURS)
    strict(payload)
    assert payload["duration_s"] == 0
    assert payload["latency"]["e2e_s"] == []
    assert payload["queue"]["running"] == [0]


def test_a_usual_run_is_small() -> None:
    payload = run_payload("r", "Run", big(), {})
    assert len(strict(payload)) < 400_000
    assert len(payload["queue"]["time_s"]) == 600
    assert all(len(series["time_s"]) == 600 for series in payload["learning"].values())
    assert len(payload["latency"]["e2e_s"]) == 3000


def test_many_latencies_are_sampled_evenly_and_stay_sorted() -> None:
    tables = big(9000)
    latency = run_payload("r", "Run", tables, {}, requests=1000)["latency"]
    done = tables["requests"].sort_values("finish_s", kind="stable")
    # every ninth request, each latency beside its own time of finish
    places = np.linspace(0, 8999, 1000).round().astype(int)
    assert latency["finish_s"] == pytest.approx(done["finish_s"].to_numpy()[places], rel=1e-5)
    assert latency["e2e_s"] == pytest.approx(done["e2e_s"].to_numpy()[places], rel=1e-5)
    assert set(np.diff(places)) <= {9, 10}


def test_many_tenants_become_few_lines_and_none_is_lost() -> None:
    tables = big(tenants=40)
    payload = run_payload("r", "Run", tables, {})
    names = [tenant["name"] for tenant in payload["tenants"]]
    assert len(names) == 10
    assert names[-1] == "others"
    total = np.sum(list(payload["queue"]["waiting"].values()), axis=0)
    last = tables["queues"].groupby("tenant")["waiting"].last().sum()
    assert total[-1] == last
    assert max(payload["latency"]["tenant"]) == 9


def test_increments_together_are_the_whole() -> None:
    tables = big(400)
    steps: list[float | None] = [None, 100.0, 250.5, 251.0, 700.0]
    words: dict[str, Any] = {"step_s": 0.5, "points": 5000}
    parts = [
        live_payload("r", "Run", tables, {}, seq=seq, since_s=since, now_s=now, **words)
        for seq, (since, now) in enumerate(pairwise(steps), start=1)
        if now is not None
    ]
    whole = live_payload("r", "Run", tables, {}, seq=9, since_s=None, now_s=700.0, **words)
    for path in (("queue", "time_s"), ("queue", "finished"), ("latency", "finish_s")):
        joined = [value for part in parts for value in part[path[0]][path[1]]]
        assert joined == whole[path[0]][path[1]]
    for name, series in whole["learning"].items():
        for column in ("time_s", "bias", "drift"):
            assert [v for part in parts for v in part["learning"][name][column]] == series[column]


def test_an_increment_of_no_time_adds_nothing() -> None:
    payload = live_payload("r", "Run", hand_made(), {}, seq=3, since_s=4.0, now_s=4.0)
    assert payload["queue"]["time_s"] == []
    assert payload["latency"]["finish_s"] == []
    assert payload["since_s"] == 4


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match=r"now_s must be >= since_s \(4\), got 3"):
        live_payload("r", "Run", hand_made(), {}, seq=3, since_s=4.0, now_s=3.0)


def test_marks_and_colours_are_handed_on() -> None:
    payload = run_payload("r", "Run", hand_made(), COLOURS, marks=[(1.0, "burst")])
    assert payload["marks"] == [{"time_s": 1, "label": "burst"}]
    assert payload["tenants"] == [
        {"name": "a", "colour": "#0072B2"},
        {"name": "b", "colour": "#C98800"},
    ]
    assert payload["categories"] == [{"name": "short", "colour": "#009E73"}]
