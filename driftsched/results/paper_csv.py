"""The published program's three files, with its exact columns (DriftSched, arXiv 2606.02982)."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd

from driftsched.results.queues import even_times, sample_queues
from driftsched.results.tables import RunResult
from driftsched.scenario.tenants import TIERS

QUEUE_STEP_S = 1.0
TELEMETRY_STEP_S = 0.2
TELEMETRY = {
    "temperature_c": "temperature_c",
    "power_w": "power_w",
    "pstate": "pstate",
    "sm_clock_mhz": "sm_clock_mhz",
    "memory_clock_mhz": "memory_clock_mhz",
    "busy": "gpu_utilization",
    "memory_busy": "memory_utilization",
    "memory_used_mb": "memory_used_mb",
    "memory_total_mb": "memory_total_mb",
}
"""Column of the gpus table → the published one."""


def paper_tables(result: RunResult) -> dict[str, pd.DataFrame]:
    """The files by name: metrics.csv, queue_depth.csv, telemetry.csv."""
    return {
        "metrics.csv": paper_metrics(result),
        "queue_depth.csv": paper_queue_depth(result),
        "telemetry.csv": paper_telemetry(result),
    }


def paper_metrics(result: RunResult) -> pd.DataFrame:
    """metrics.csv: a row a request, in order of request_id.

    ``timestamp`` and the three times are seconds since the run's start, ``job_type`` is the true
    category and ``workload_category`` the classified one, ``generated_tokens`` is in the
    estimator's unit, as the estimates are. What a request never came to is empty.
    """
    requests = result.requests
    finished = (requests["status"] == "finished").to_numpy(dtype=bool)
    feedback = result.learning.drop_duplicates("request_id", keep="last").set_index("request_id")
    learned = feedback[["old_bias", "measured_bias", "bias"]].reindex(requests["request_id"])
    ran = requests["batch_id"] >= 0
    gang = requests.groupby(["replica", "batch_id"])["request_id"].transform("size")
    e2e = requests["e2e_s"]
    columns = {
        "timestamp": requests["finish_s"],
        "scheduler_type": result.scenario.policy.kind,
        "request_id": requests["request_id"],
        "tenant_id": requests["tenant"].astype(object),
        "job_type": requests["category"].astype(object),
        "workload_category": requests["predicted_category"].astype(object),
        "priority_tier": requests["tier"].astype(object),
        "batch_id": requests["batch_id"].where(ran).astype("Int64"),
        "batch_size": gang.where(ran).astype("Int64"),
        "total_token_budget": requests["total_token_budget"],
        "estimated_output_tokens": requests["estimated_output_tokens"],
        "max_output_tokens": requests["max_output_tokens"],
        "generated_tokens": requests["counted_output_tokens"].where(finished).astype("Int64"),
        "queue_enter_time": requests["arrival_s"],
        "worker_start_time": requests["dispatch_s"],
        "worker_finish_time": requests["finish_s"].where(ran),
        "queue_wait_seconds": requests["queue_wait_s"],
        "inference_seconds": requests["finish_s"] - requests["dispatch_s"],
        "end_to_end_seconds": e2e,
        "latency_seconds": e2e,
        "status": requests["status"].astype(object),
        "feedback_old_bias": learned["old_bias"].to_numpy(),
        "feedback_measured_bias": learned["measured_bias"].to_numpy(),
        "feedback_new_bias": learned["bias"].to_numpy(),
        "estimation_bias": requests["bias"],
        "base_tokens": requests["base_tokens"],
        "safety_factor": requests["safety_factor"],
        "input_factor": requests["input_factor"],
    }
    return pd.DataFrame(columns, index=requests.index)


def paper_queue_depth(result: RunResult) -> pd.DataFrame:
    """queue_depth.csv: waiting requests of each tier, every second until the queues' last change.

    A run too long for a million rows is sampled more coarsely.
    """
    queues = result.queues
    end = float(queues["time_s"].max()) if len(queues) else 0.0
    waiting = sample_queues(queues, even_times(end, _step(QUEUE_STEP_S, end)))
    table = pd.DataFrame({"elapsed_seconds": waiting.index.to_numpy()})
    for tier in TIERS:
        names = [tenant.name for tenant in result.scenario.tenants if tenant.tier == tier]
        present = [name for name in names if name in waiting.columns]
        table[f"{tier}_queue"] = waiting[present].sum(axis=1).to_numpy(np.int64)
    table["total_queue_size"] = table[[f"{tier}_queue" for tier in TIERS]].sum(axis=1)
    return table


def paper_telemetry(result: RunResult) -> pd.DataFrame:
    """telemetry.csv: the first replica's GPU every 200 ms, from the last sample at or before.

    Utilisation is in percent. What is not known, such as the clocks of a simulated GPU, is empty.
    Where nothing at all is known of a GPU there is no row.
    """
    gpus = result.gpus
    gpus = gpus[gpus["replica"] == gpus["replica"].min()]
    sampled = gpus["time_s"].to_numpy(np.float64)
    end = float(sampled[-1]) if len(sampled) else -1.0
    times = even_times(end, _step(TELEMETRY_STEP_S, end)) if len(sampled) else np.empty(0)
    # A grid of the same step can differ in the last bit.
    places = np.searchsorted(sampled, times + 1e-9, side="right") - 1
    rows = gpus.iloc[places[places >= 0]]
    # A table of an older run may lack columns.
    table: pd.DataFrame = rows.reindex(columns=[*TELEMETRY]).astype(np.float64)
    table = table.rename(columns=TELEMETRY)
    table[["gpu_utilization", "memory_utilization"]] *= 100
    table.insert(0, "timestamp", times[places >= 0])
    return table.dropna(how="all", subset=[*TELEMETRY.values()], ignore_index=True)


def _step(step_s: float, end_s: float) -> float:
    """The step, or a whole multiple of it that gives less than a million rows."""
    return step_s * max(1, ceil(end_s / step_s / 999_999))
