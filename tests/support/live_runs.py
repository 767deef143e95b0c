"""Scenarios and checks that several tests of live runs share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from driftsched.live import LiveOptions, LiveRun, LiveSnapshot, parse_options
from driftsched.results import RunResult, replay
from driftsched.scenario import Scenario, load_scenario
from tests.support.scenarios import small


def scaled_paper(mode: str, policy: str, requests: int = 60, **changes: Any) -> Scenario:
    """The paper's preset with short answers: three tenants, four categories, two phases."""
    sets = [f"phases.0.requests={requests // 2}", f"phases.1.requests={requests - requests // 2}"]
    sets += ["phases.0.pause_s=0.2", f"policy.kind={policy}", f"engine.mode={mode}"]
    for number, (base, most) in enumerate([(16, 6), (24, 10), (32, 14), (40, 18)]):
        sets += [f"categories.{number}.base_tokens={base}"]
        sets += [f"categories.{number}.max_output_tokens={most}"]
    return load_scenario("paper", sets + [f"{name}={value}" for name, value in changes.items()])


def crowd(**changes: Any) -> Scenario:
    """Six impatient users of two tenants, who try again, in front of few places."""
    people = {
        "patience": {"first_token_timeout_s": 1.2, "timeout_s": 3.0},
        "retries": {"attempts": 3, "backoff_s": 0.5, "jitter": 0.5},
    }
    phase = {
        "name": "only",
        "requests": 60,
        "arrivals": {
            "kind": "closed_loop",
            "users": 6,
            "think": {"kind": "exponential", "mean_s": 1.0},
        },
        "mix": {"short_qa": 1},
    }
    tenants = [
        {"name": "a", "tier": "premium", "share": 0.5} | people,
        {"name": "b", "tier": "batch", "share": 0.5} | people,
    ]
    engine = {"mode": "continuous", "batch_size": 2}
    data = {"tenants": tenants, "phases": [phase | changes], "engine": engine}
    return small(**data, estimator={"unit": "tokens"})


def options(**changes: Any) -> LiveOptions:
    """Options with short waits."""
    retries = {"attempts": 3, "backoff_s": 0.01, "most_s": 0.1}
    return parse_options({"engine": {"kind": "openai"}, "retries": retries} | changes)


def check_conserved(result: RunResult, count: int) -> None:
    """Every request has exactly one end, and the columns agree with it."""
    rows = result.requests
    assert rows["request_id"].tolist() == list(range(count))
    assert set(rows["status"]) <= {"finished", "rejected", "failed", "timed_out", "cancelled"}
    done = rows["status"] == "finished"
    assert (rows.loc[~done & (rows["status"] != "rejected"), "reason"] != "").all()
    times = rows.loc[done, ["arrival_s", "dispatch_s", "first_token_s", "last_token_s", "finish_s"]]
    assert (np.diff(times.to_numpy(), axis=1) >= 0).all(), "times out of order"
    assert (rows.loc[done, "output_tokens"] >= 1).all()
    assert rows.loc[done, "e2e_s"].notna().all()
    assert rows.loc[~done, ["e2e_s", "tpot_s", "actual_size_class"]].isna().all(axis=None)
    assert len(result.learning) == done.sum()
    last = result.queues.groupby("tenant", observed=True)[["waiting", "running"]].last()
    assert (last == 0).all(axis=None), "a queue is not empty at the end"
    assert (result.queues[["waiting", "running"]] >= 0).all(axis=None)


def check_replayed(result: RunResult) -> None:
    """The gateway learnt as a replay of the same rows does."""
    scenario = result.scenario
    arrived = result.requests["arrival_s"].notna().to_numpy()
    again = replay(result.requests, scenario, scenario.estimator.compensator)
    np.testing.assert_array_equal(
        again[arrived], result.requests["estimated_output_tokens"].to_numpy()[arrived]
    )


def out_of_order(rows: pd.DataFrame, key: Callable[[pd.DataFrame], pd.Series]) -> int:
    """Pairs in which a request was dispatched later than one with a higher key, though it waited.

    Zero for the policy whose score is `key`, lowest first.
    """
    ran = rows[rows["dispatch_s"].notna()]
    dispatch, arrival = ran["dispatch_s"].to_numpy(), ran["arrival_s"].to_numpy()
    scores = key(ran).to_numpy(np.float64)
    later = dispatch[None, :] > dispatch[:, None]
    waited = arrival[None, :] <= dispatch[:, None]
    return int((later & waited & (scores[None, :] < scores[:, None])).sum())


def watched(work: Callable[[], object], runs: Sequence[LiveRun]) -> list[LiveSnapshot]:
    """Do the work on a thread of its own; give what a viewer saw of its run meanwhile."""
    thread = threading.Thread(target=work)
    thread.start()
    seen: list[LiveSnapshot] = []
    while thread.is_alive():
        thread.join(0.05)
        if runs:
            seen.append(runs[0].snapshot(max_age_s=0.0))
    return seen
