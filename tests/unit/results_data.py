"""A run of seven requests, made by hand, so that every number can be worked out on paper.

Tenant a (weight 2, with objectives) and b (weight 1, without); base tokens 5 (chat) and 8 (report);
EMA with alpha 0.5. Request 3 is rejected, request 4 times out in the queue. Request 5 arrives at
5.0, the instant at which request 1 finishes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from driftsched.results.outcomes import STATUSES
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario, parse_scenario

NAN = float("nan")
SIZES = ["short", "medium", "long"]


def hand_scenario(**changes: Any) -> Scenario:
    length = {"kind": "uniform", "low": 1, "high": 10}
    data: dict[str, Any] = {
        "schema": 1,
        "name": "hand",
        "title": "Seven requests",
        "question": "Do the numbers add up?",
        "tenants": [
            {
                "name": "a",
                "tier": "premium",
                "weight": 2,
                "share": 0.5,
                "safety_factor": 1.2,
                "slo": {"ttft_s": 1.4, "tpot_s": 1.0, "e2e_s": 4},
            },
            {"name": "b", "tier": "batch", "weight": 1, "share": 0.5, "safety_factor": 0.8},
        ],
        "categories": [
            {"name": "chat", "base_tokens": 5, "max_output_tokens": 10, "output_tokens": length},
            {"name": "report", "base_tokens": 8, "max_output_tokens": 10, "output_tokens": length},
        ],
        "phases": [
            {
                "name": "only",
                "requests": 7,
                "arrivals": {"kind": "poisson", "rate_rps": 1},
                "mix": {"chat": 0.7, "report": 0.3},
            }
        ],
        "estimator": {
            "unit": "tokens",
            "compensator": {"kind": "ema", "alpha": 0.5},
            "size_classes": {"short": 20, "medium": 40},
        },
        "metrics": {"percentiles": [50, 90, 99.9], "starvation_s": 1.9},
    }
    return parse_scenario(data | changes)


def categorical(values: list[str], names: list[str]) -> pd.Categorical[str]:
    return pd.Categorical(values, categories=names)


def hand_requests() -> pd.DataFrame:
    names = ["chat", "report"]
    category = ["chat", "chat", "report", "report", "chat", "chat", "chat"]
    table = pd.DataFrame(
        {
            "request_id": np.arange(7),
            "tenant": categorical(list("ababbaa"), ["a", "b"]),
            "tier": categorical(
                ["premium" if t == "a" else "batch" for t in "ababbaa"], ["premium", "batch"]
            ),
            "category": categorical(category, names),
            "predicted_category": categorical(category, names),
            "phase": categorical(["only"] * 7, ["only"]),
            "size_class": categorical([SIZES[i] for i in (0, 0, 1, 2, 2, 1, 1)], SIZES),
            "actual_size_class": categorical([SIZES[i] for i in (0, 1, 1, 2, 2, 0, 0)], SIZES),
            "prompt_tokens": [10, 12, 30, 40, 50, 15, 13],
            "max_output_tokens": 10,
            "counted_prompt_tokens": [10, 12, 30, 40, 50, 15, 13],
            "base_tokens": [5, 5, 8, 8, 5, 5, 5],
            "bias": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.4],
            "safety_factor": [1.2, 0.8, 1.2, 0.8, 0.8, 1.2, 1.2],
            "input_factor": 1.0,
            "estimated_output_tokens": [6, 4, 9, 6, 4, 6, 8],
            "total_token_budget": [16, 16, 39, 46, 54, 21, 21],
            "output_tokens": [5, 9, 4, 7, 3, 1, 4],
            "counted_output_tokens": [5, 9, 4, 7, 3, 1, 4],
            "arrival_s": [0.0, 0.5, 1.0, 1.5, 2.0, 5.0, 5.2],
            "dispatch_s": [0.0, 2.5, 2.5, NAN, NAN, 6.0, 6.0],
            "first_token_s": [0.5, 3.0, 3.0, NAN, NAN, 6.5, 6.5],
            "finish_s": [2.5, 5.0, 6.0, 1.5, 4.0, 6.5, 8.0],
        }
    )
    done = table["first_token_s"].notna()
    table["queue_wait_s"] = table["dispatch_s"] - table["arrival_s"]
    table["ttft_s"] = table["first_token_s"] - table["arrival_s"]
    e2e = (table["finish_s"] - table["arrival_s"]).where(done)
    gaps = (table["output_tokens"] - 1).where(table["output_tokens"] > 1)
    table["tpot_s"] = (e2e - table["ttft_s"]) / gaps
    table["e2e_s"] = e2e
    table["preemptions"] = np.zeros(7, np.int32)
    table["replica"] = np.array([0, 0, 0, -1, -1, 0, 0], np.int32)
    table["batch_id"] = [0, 1, 1, -1, -1, 2, 2]
    ends = ["finished"] * 3 + ["rejected", "timed_out"] + ["finished"] * 2
    table["status"] = categorical(ends, list(STATUSES))
    reasons = ["", "", "", "queue of b is full", "waited over 2 s", "", ""]
    table["reason"] = categorical(reasons, ["", "queue of b is full", "waited over 2 s"])
    return table


def hand_queues() -> pd.DataFrame:
    rows = [
        (0.0, "a", 1, 0),
        (0.0, "a", 0, 1),
        (0.5, "b", 1, 0),
        (1.0, "a", 1, 1),
        (2.0, "b", 2, 0),
        (2.5, "a", 1, 0),
        (2.5, "b", 1, 1),
        (2.5, "a", 0, 1),
        (4.0, "b", 0, 1),
        (5.0, "b", 0, 0),
        (5.0, "a", 1, 1),
        (5.2, "a", 2, 1),
        (6.0, "a", 2, 0),
        (6.0, "a", 1, 1),
        (6.0, "a", 0, 2),
        (6.5, "a", 0, 1),
        (8.0, "a", 0, 0),
    ]
    table = pd.DataFrame(rows, columns=["time_s", "tenant", "waiting", "running"])
    return table.assign(tenant=categorical(list(table["tenant"]), ["a", "b"]))


def hand_gpus() -> pd.DataFrame:
    times = np.arange(41) * 0.2
    return pd.DataFrame(
        {
            "time_s": times,
            "replica": np.zeros(41, np.int32),
            "running": np.ones(41, np.int64),
            "kv_used_tokens": np.arange(41),
            "kv_capacity_tokens": 1000,
            "busy": np.linspace(0, 1, 41),
            "power_w": 50.0,
            "memory_used_mb": 4000.0,
            "memory_total_mb": 24_000.0,
            "temperature_c": NAN,
            "sm_clock_mhz": NAN,
        }
    )


def hand_learning() -> pd.DataFrame:
    keys = ["chat", "chat", "report", "chat", "chat"]
    return pd.DataFrame(
        {
            "time_s": [2.5, 5.0, 6.0, 6.5, 8.0],
            "request_id": [0, 1, 2, 5, 6],
            "key": categorical(keys, ["chat", "report"]),
            "old_bias": [1.0, 1.0, 1.0, 1.4, 0.825],
            "measured_bias": [1.0, 1.8, 0.5, 0.2, 0.8],
            "bias": [1.0, 1.4, 0.75, 0.825, 0.8125],
            "estimated_output_tokens": [6, 4, 9, 6, 8],
            "output_tokens": [5, 9, 4, 1, 4],
        }
    )


def hand_run(**changes: Any) -> RunResult:
    """The run; `changes` replace top-level fields of its scenario."""
    return RunResult(
        scenario=hand_scenario(**changes),
        requests=hand_requests(),
        queues=hand_queues(),
        gpus=hand_gpus(),
        learning=hand_learning(),
        provenance={"version": "0", "seed": 1, "engine": "hand", "wall_s": 0.25},
    )
