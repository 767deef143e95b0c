"""What the live view is given: right at every instant, small, and plain JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.charts.theme import category_colours, tenant_colours
from driftsched.studio.live_view import as_json
from driftsched.studio.live_view.figures import DRIFT_WINDOW, live_message

Tables = dict[str, pd.DataFrame]


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


def message(tables: Tables, **more: Any) -> dict[str, Any]:
    """What the browser reads of a run, where a test says nothing else a recorded one."""
    sent = as_json(live_message("r", "Run", tables, **more))
    return dict(json.loads(sent))


def levels(read: dict[str, Any], figure: str) -> dict[str, Any]:
    return {trace["name"]: trace["y"] for trace in read["figures"][figure]["data"]}


def test_levels_are_the_last_at_or_before_each_instant() -> None:
    read = message(hand_made(), now_s=5.0, done=False)
    assert (read["duration"], read["live"], read["done"]) == (5, True, False)
    assert read["time_s"][::2] == [0, 1, 2, 3, 4, 5]
    waiting = {name: level[::2] for name, level in levels(read, "queue").items()}
    assert waiting == {"a": [0] * 6, "b": [0, 1, 0, 0, 0, 0]}
    running = levels(read, "running")
    assert running["Running"][::2] == [1, 1, 1, 1, 1, 0]
    assert running["KV cache used"][::2] == [0.25, 0.25, 0.25, 0.25, 0.5, 0.5]
    counts = {name: count[::2] for name, count in read["counts"].items()}
    assert counts["waiting"] == waiting["b"]
    assert counts["running"] == [1, 1, 1, 1, 1, 0]
    assert counts["finished"] == [0, 0, 1, 1, 1, 2]
    assert counts["rejected"] == [0, 0, 1, 1, 1, 1]
    assert counts["failed"][-1] == 1, "the cancelled one"


def test_a_recorded_run_ends_with_its_tables() -> None:
    read = message(hand_made())
    assert (read["duration"], read["live"], read["done"]) == (5, False, True)
    assert read["time_s"][0] == 0
    assert read["time_s"][-1] == 5


def test_only_finished_requests_have_a_latency() -> None:
    read = message(hand_made())
    assert read["latency"] == {
        "tenant:a": {"finish_s": [2], "e2e_s": [2], "request_id": [0]},
        "tenant:b": {"finish_s": [5], "e2e_s": [4], "request_id": [1]},
    }
    assert {name: sum(counts) for name, counts in levels(read, "histogram").items()} == {
        "a": 1,
        "b": 1,
    }


def test_drift_is_the_moving_mean_of_actual_over_estimated() -> None:
    drawn = levels(message(hand_made()), "drift")
    assert set(drawn) == {"short bias", "short drift"}
    assert (drawn["short bias"][-1], drawn["short drift"][-1]) == (1.2, 1.25)
    assert (drawn["short bias"][-2], drawn["short drift"][-2]) == (1.5, 2)
    assert drawn["short bias"][0] is None, "nothing was learnt yet"
    many = pd.DataFrame({"time_s": np.arange(600.0), "key": "short", "bias": 1.0})
    longer = np.where(np.arange(600) < 25, 10, 20)
    many = many.assign(estimated_output_tokens=10, output_tokens=longer)
    drift = levels(message({"learning": many}), "drift")["short drift"]
    assert drift[24] == 1
    assert drift[24 + DRIFT_WINDOW] == 2


def test_an_estimate_of_zero_gives_null_and_not_infinity() -> None:
    tables = hand_made()
    tables["learning"]["estimated_output_tokens"] = 0
    assert set(levels(message(tables), "drift")["short drift"]) == {None}


def test_unknown_memory_is_not_drawn() -> None:
    tables = hand_made()
    tables["gpus"] = tables["gpus"].assign(kv_used_tokens=np.nan)
    assert set(levels(message(tables), "running")) == {"Running"}


@pytest.mark.parametrize("tables", [{}, {name: hand_made()[name].head(0) for name in hand_made()}])
def test_nothing_yet_is_an_empty_picture(tables: Tables) -> None:
    for read in (message(tables), message(tables, now_s=0.0, done=False)):
        assert read["duration"] == 0
        assert read["latency"] == {}
        assert levels(read, "running") == {"Running": [0]}


def test_latencies_to_come_have_a_calm_axis() -> None:
    """plotly.js would draw an empty one from .1 to 300,000 s; it goes with the first latency."""
    waiting = hand_made() | {"requests": hand_made()["requests"].assign(status="running")}
    for figure in ("histogram", "cdf"):
        before = message(waiting, now_s=1.0, done=False)["figures"][figure]["layout"]["xaxis"]
        after = message(hand_made(), now_s=9.0, done=False)["figures"][figure]["layout"]["xaxis"]
        assert before["range"] == [-1, 1]
        assert "range" not in after


def test_a_usual_run_is_small() -> None:
    read = message(big())
    assert len(json.dumps(read, separators=(",", ":"))) < 250_000
    assert len(read["time_s"]) == 600
    assert all(len(trace["y"]) == 600 for trace in read["figures"]["drift"]["data"])
    assert sum(len(mine["e2e_s"]) for mine in read["latency"].values()) == 3000


def test_many_latencies_are_sampled_evenly_and_stay_sorted() -> None:
    tables = big(9000, tenants=1)
    (latency,) = message(tables)["latency"].values()
    done = tables["requests"].sort_values("finish_s", kind="stable")
    # each latency beside its own time of finish
    places = np.linspace(0, 8999, 4000).round().astype(int)
    assert latency["finish_s"] == pytest.approx(done["finish_s"].to_numpy()[places], abs=1e-4)
    assert latency["e2e_s"] == pytest.approx(done["e2e_s"].to_numpy()[places], abs=1e-4)
    assert set(np.diff(places)) <= {2, 3}


def test_many_tenants_become_few_lines_and_none_is_lost() -> None:
    tables = big(tenants=40)
    read = message(tables)
    waiting = levels(read, "queue")
    assert len(waiting) == 10
    assert list(waiting)[-1] == "others"
    total = np.sum(list(waiting.values()), axis=0)
    assert total[-1] == tables["queues"].groupby("tenant")["waiting"].last().sum()
    assert read["counts"]["waiting"] == total.tolist()
    assert len(read["latency"]) == 10


def test_a_run_that_grows_keeps_what_it_showed() -> None:
    """Else lines would tremble while they are watched, and what is paused would move."""
    tables = big(400)
    early, late = (message(tables, now_s=now_s, done=False) for now_s in (100.2, 250.9))
    assert early["live"] and not early["done"]
    assert early["duration"] == 100.2
    shown = len(early["time_s"])
    assert early["time_s"] == late["time_s"][:shown] == [0.5 * step for step in range(201)]
    for figure in ("queue", "running", "drift"):
        before, after = levels(early, figure), levels(late, figure)
        assert before == {name: after[name][:shown] for name in before}
    assert early["counts"]["finished"] == late["counts"]["finished"][:shown]
    assert len(message(tables, now_s=86_400.0, done=False)["time_s"]) <= 1201


def test_marks_and_colours_are_handed_on() -> None:
    read = message(hand_made(), marks=[(1.0, "burst")])
    layout = read["figures"]["queue"]["layout"]
    assert (layout["shapes"][0]["x0"], layout["annotations"][0]["text"]) == (1, "burst")
    looks = {
        trace["legendgroup"]: trace["line"]["color"]
        for figure in ("queue", "drift")
        for trace in read["figures"][figure]["data"]
    }
    assert looks == {
        **{f"tenant:{name}": colour for name, colour in tenant_colours("ab").items()},
        "category:short": category_colours(["short"])["short"],
    }
