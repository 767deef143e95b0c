"""Energy and money: joules and price of a run, a request, a thousand or a million tokens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from driftsched.results.percentiles import Summary
from driftsched.results.tables import RunResult, finished_rows

ENERGY_METRICS = (
    *("total_energy_j", "mean_power_w", "energy_per_request_j", "energy_per_1000_tokens_j"),
    *("energy_per_1000_output_tokens_j", "gpu_hours", "total_cost", "cost_per_million_tokens"),
    "cost_per_million_output_tokens",
)


def energy_summary(result: RunResult) -> Summary:
    """Energy and cost of a whole run, over its finished requests.

    Energy is the last `energy_j` of each replica in the gpus table: measured, or, simulated, the
    sum of what `serving.power` says of each GPU. Host, cooling and network are not in it. Every GPU
    is paid for from its first sample to its last; where events let replicas come and go, as long as
    they exist, from the beginning of their start-up until they have left, also while they are down.

    Keys are `ENERGY_METRICS`: mean_power_w is of all GPUs together, costs are in the currency of
    `cluster.price_per_gpu_hour`, and tokens are input and output where they are not said to be
    output. None where energy or price is not known, NaN where nothing finished.
    """
    done = finished_rows(result.requests)
    output = float(done["output_tokens"].sum())
    tokens = output + float(done["prompt_tokens"].sum())
    energy = _total_j(result.gpus)
    span_s, gpu_hours, cost = _rented(result)
    return {
        "total_energy_j": energy,
        "mean_power_w": _ratio(energy, span_s),
        "energy_per_request_j": _ratio(energy, len(done)),
        "energy_per_1000_tokens_j": _ratio(energy, tokens / 1e3),
        "energy_per_1000_output_tokens_j": _ratio(energy, output / 1e3),
        "gpu_hours": gpu_hours,
        "total_cost": cost,
        "cost_per_million_tokens": _ratio(cost, tokens / 1e6),
        "cost_per_million_output_tokens": _ratio(cost, output / 1e6),
    }


def energy_over_time(gpus: pd.DataFrame, requests: pd.DataFrame) -> pd.DataFrame:
    """Energy and tokens so far, at each sample of a gpus table; empty where energy is unknown.

    Columns: time_s, energy_j (all replicas), tokens (input and output of requests finished by
    then), energy_per_1000_tokens_j (NaN before the first has finished).
    """
    known = gpus[gpus["energy_j"].notna()] if "energy_j" in gpus.columns else gpus.iloc[:0]
    times = np.unique(known["time_s"].to_numpy(np.float64))
    energy = np.zeros(len(times))
    for _, mine in known.groupby("replica"):
        own = mine["time_s"].to_numpy(np.float64)
        energy += np.interp(times, own, mine["energy_j"].to_numpy(np.float64), left=0.0)
    done = finished_rows(requests).sort_values("finish_s", kind="stable")
    finished = done["finish_s"].to_numpy(np.float64)
    total = (done["prompt_tokens"] + done["output_tokens"]).to_numpy(np.float64).cumsum()
    tokens = np.concatenate([[0.0], total])[np.searchsorted(finished, times, side="right")]
    per = np.divide(1e3 * energy, tokens, out=np.full(len(times), np.nan), where=tokens > 0)
    return pd.DataFrame(
        {"time_s": times, "energy_j": energy, "tokens": tokens, "energy_per_1000_tokens_j": per}
    )


def _total_j(gpus: pd.DataFrame) -> float | None:
    """Joules of all replicas; None unless each of them is known."""
    if gpus.empty or "energy_j" not in gpus.columns:
        return None
    last = gpus.groupby("replica")["energy_j"].last()
    return float(last.sum()) if last.notna().all() else None


def _rented(result: RunResult) -> tuple[float, float | None, float | None]:
    """Seconds that the gpus table spans, hours of all GPUs together, and what they cost."""
    gpus = result.gpus
    if gpus.empty:
        return 0.0, None, None
    span_s = float(gpus["time_s"].max() - gpus["time_s"].min())
    live = str(result.provenance.get("engine", "")).startswith("live")
    if live and _total_j(gpus) is None:  # no GPU was seen
        return span_s, None, None
    machines = result.scenario.machines
    hours, cost = 0.0, 0.0
    for number, mine in gpus.groupby("replica"):
        machine = machines[min(int(str(number)), len(machines) - 1)]
        each = _present_s(mine) / 3600
        each *= 1 if live else machine.tensor_parallel
        hours += each
        cost += each * (
            np.nan if machine.price_per_gpu_hour is None else machine.price_per_gpu_hour
        )
    return span_s, hours, None if np.isnan(cost) else cost


def _present_s(mine: pd.DataFrame) -> float:
    """Seconds that a replica existed."""
    if "present_s" in mine.columns:
        return float(mine["present_s"].sum())
    return float(mine["time_s"].max() - mine["time_s"].min())


def _ratio(value: float | None, by: float) -> float | None:
    if value is None:
        return None
    return value / by if by > 0 else float("nan")
