"""Made-up tables of every kind that a chart draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

TENANTS = ["premium", "standard", "batch"]
CATEGORIES = ["short_qa", "summary", "technical", "report"]
SIZES = ["short", "medium", "long"]
POLICIES = ["fifo", "priority", "weighted", "sjf", "aging"]


def requests_table(n: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arrival = np.sort(rng.uniform(0, 100, n))
    wait, service = rng.exponential(2, n), rng.lognormal(0, 0.5, n)
    estimate, actual = rng.integers(20, 800, n), rng.integers(20, 800, n)

    def size(lengths: np.ndarray) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(np.digitize(lengths, [129, 513]), pd.Index(SIZES))

    return pd.DataFrame(
        {
            "tenant": pd.Categorical.from_codes(rng.integers(0, 3, n), pd.Index(TENANTS)),
            "category": pd.Categorical.from_codes(rng.integers(0, 4, n), pd.Index(CATEGORIES)),
            "phase": pd.Categorical.from_codes(
                (arrival > 50).astype(int), pd.Index(["calm", "storm"])
            ),
            "size_class": size(estimate),
            "actual_size_class": size(actual),
            "prompt_tokens": rng.integers(5, 500, n),
            "output_tokens": actual,
            "base_tokens": 100,
            "estimated_output_tokens": estimate,
            "counted_output_tokens": actual,
            "arrival_s": arrival,
            "finish_s": arrival + wait + service,
            "queue_wait_s": wait,
            "ttft_s": wait + 0.05,
            "tpot_s": service / 100,
            "e2e_s": wait + service,
            "status": pd.Categorical(["finished"] * n, ["finished", "rejected"]),
        }
    )


def queues_table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "time_s": np.sort(rng.uniform(0, 100, n)),
            "tenant": pd.Categorical.from_codes(rng.integers(0, 3, n), pd.Index(TENANTS)),
            "waiting": rng.integers(0, 50, n),
        }
    )


def learning_table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "time_s": np.arange(n, dtype=float),
            "key": pd.Categorical.from_codes(rng.integers(0, 4, n), pd.Index(CATEGORIES)),
            "measured_bias": rng.lognormal(0, 0.3, n),
            "bias": rng.lognormal(0, 0.1, n),
        }
    )


def gpus_table(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "time_s": np.arange(n) * 0.2,
            "replica": 0,
            "running": rng.integers(0, 32, n),
            "kv_used_tokens": 500,
            "kv_capacity_tokens": 2000,
            "busy": 0.5,
            "power_w": 60.0,
        }
    )


def joules_table(n: int = 50) -> pd.DataFrame:
    time_s = np.arange(n) * 0.2
    return pd.DataFrame(
        {
            "time_s": time_s,
            "energy_j": 60 * time_s,
            "tokens": 100 * time_s,
            "energy_per_1000_tokens_j": 600.0,
        }
    )


def percentiles_table(n: int = 0) -> pd.DataFrame:
    rows = [("fifo", "e2e_s", 50, 2.0, 1.5, 2.75), ("sjf", "e2e_s", 50, 1.0, 0.9, 1.2)]
    return pd.DataFrame(
        rows, columns=["policy", "metric", "percentile", "value_s", "low_s", "high_s"]
    )


def errors_table(n: int = 0) -> pd.DataFrame:
    rows = [("none", 80.0, 120.0, 70.0, 95.0), ("ema", 40.0, 60.0, 35.0, 44.0)]
    return pd.DataFrame(rows, columns=["compensator", "mae", "rmse", "low", "high"])


def fairness_table(n: int = 0) -> pd.DataFrame:
    rows = [("fifo", "premium", 1.0), ("fifo", "batch", 1.0), ("sjf", "premium", 2.0)]
    return pd.DataFrame(
        [*rows, ("sjf", "batch", 0.0)], columns=["policy", "tenant", "normalised_share"]
    )


def arrivals_table(n: int = 60) -> pd.DataFrame:
    times = np.repeat(np.arange(n, dtype=float), 3)
    return pd.DataFrame({"time_s": times, "tenant": TENANTS * n, "rate_rps": [1.0, 2.0, 3.0] * n})


def claims_table(n: int = 0) -> pd.DataFrame:
    row = ("Weighted lowers P99", -38.0, -33.0, -40.0, -25.0)
    columns = ["claim", "published_percent", "ours_percent", "low", "high"]
    return pd.DataFrame([row], columns=columns)


def sensitivities_table(n: int = 0) -> pd.DataFrame:
    rows = [
        (assumption, claim, published, ours, ours - 2, ours + 1)
        for assumption, by in (("as it is", 0.0), ("spread × 3", 7.0))
        for claim, published, ours in (("MAE", -38.8, by - 60), ("SJF's P99", -16.0, by - 15))
    ]
    columns = ["assumption", "claim", "published_percent", "ours_percent", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def residuals_table(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    seconds = rng.uniform(0.1, 2.0, n)
    return pd.DataFrame(
        {
            "start_s": np.arange(n, dtype=np.float64),
            "seconds": seconds,
            "predicted_s": seconds * rng.uniform(0.9, 1.1, n),
            "iterations": rng.integers(1, 30, n),
            "tokens": 4.0,
            "requests": 4.0,
            "kv_tokens": 900.0,
            "prompts": np.arange(n) % 2,
        }
    )


def curves_table(n: int = 50) -> pd.DataFrame:
    levels = np.arange(n) % 7
    return pd.DataFrame({"time_s": np.arange(n) / 2, "live": levels, "twin": levels + 1})


def memory_table(n: int = 8) -> pd.DataFrame:
    parts = ["Weights", "Activations", "KV cache", "Left free"]
    return pd.DataFrame(
        {
            "gpu": [f"GPU {row // 4}" for row in range(n)],
            "part": [parts[row % 4] for row in range(n)],
            "gb": np.linspace(1, 9, n),
        }
    )


def fit_table(n: int = 90) -> pd.DataFrame:
    """Curves as `TraceFit.curves` gives them."""
    quantities = ["gap", "prompt_tokens", "output_tokens"]
    share = (np.arange(n) // 3 + 1) / (n // 3)
    return pd.DataFrame(
        {
            "quantity": (quantities * n)[:n],
            "category": (["", *CATEGORIES[:2]] * n)[:n],
            "value": np.arange(1.0, n + 1),
            "data_share": share,
            "fit_share": share**1.1,
            "ks": 0.03,
        }
    )


def every_policy(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return dict.fromkeys(POLICIES, frame)


def course_table(n: int = 60) -> pd.DataFrame:
    """Means over time as `queue_course` gives them."""
    mean = np.arange(n) % 9 + 1.0
    return pd.DataFrame(
        {
            "name": (POLICIES * n)[:n],
            "time_s": np.arange(n) / 2,
            "mean": mean,
            "low": mean - 0.5,
            "high": mean + 0.5,
        }
    )


def sweep_table(n: int = 20) -> pd.DataFrame:
    seconds = np.arange(n) + 1.0
    return pd.DataFrame(
        {
            "policy": (POLICIES * n)[:n],
            "utilisation": np.arange(n) / 10,
            "value_s": seconds,
            "low_s": seconds - 0.5,
            "high_s": seconds + 0.5,
            "knee": np.arange(n) == 6,
        }
    )


def cdf_table(n: int = 40) -> pd.DataFrame:
    share = (np.arange(n) // 2 + 0.5) / max(n // 2, 1)
    columns = {"policy": (POLICIES[:2] * n)[:n], "share": share, "value_s": 1 + share}
    return pd.DataFrame(columns | {"low": share - 0.02, "high": share + 0.02})


def lab_course_table(rows: int = 8) -> pd.DataFrame:
    each = rows // 4
    value = np.linspace(1, 2, each)
    return pd.DataFrame(
        {
            "request": np.tile(np.arange(each), 4),
            "name": np.repeat(["actual", "known", "ema", "hierarchical"], each),
            "value": np.concatenate([value, value, value - 0.3, value - 0.1]),
        }
    )


def lab_figures_table(_: int = 0) -> pd.DataFrame:
    rows: dict[str, object] = {"compensator": ["none", "ema", "hierarchical"]}
    figures = {
        "closed": [-1.0, 0.0, 0.9],
        "change": [0.3, 0.0, -0.2],
        "back": [np.inf, 100.0, 20.0],
        "bias": [-0.4, -0.1, -0.15],
        "wrong": [0.2, 0.15, 0.13],
        "alarms": [2.0, 0.1, 0.0],
    }
    for name, values in figures.items():
        middle = np.array(values)
        rows |= {name: middle, f"{name}_low": middle - 0.01, f"{name}_high": middle + 0.01}
    return pd.DataFrame(rows)


def capacity_table(_: int = 0) -> pd.DataFrame:
    rows = [("fifo", 0.8, 0.7, 0.9), ("sjf", 1.4, 1.3, 1.5)]
    return pd.DataFrame(rows, columns=["policy", "value", "low", "high"])


def gpu_counts_table(_: int = 0) -> pd.DataFrame:
    return pd.DataFrame([("L4", 5, 4), ("H100", 2, 0)], columns=["gpu", "gpus", "too_few"])


def worth_table(_: int = 0) -> pd.DataFrame:
    change = np.array([0.0, 0.02, -0.05, 0.1, -0.1])
    return pd.DataFrame(
        {
            "estimate": ["today", "none", "hierarchical", "τ 0.5", "oracle"],
            "tau": [0.5, 0.45, 0.55, 0.5, 1.0],
            "change": change,
            "change_low": change - 0.01,
            "change_high": change + 0.01,
        }
    )


def swept_table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    value = rng.lognormal(1, 0.5, n)
    return pd.DataFrame(
        {
            "policy": [POLICIES[place % 3] for place in range(n)],
            "x": np.arange(n) // 3 % 20 / 10,
            "y": np.arange(n) % 3,
            "value": value,
            "low": value * 0.9,
            "high": value * 1.1,
            "first": value,
            "second": rng.lognormal(1, 0.5, n),
            "front": rng.random(n) < 0.1,
            "said": "a point",
        }
    )


def importance_table(n: int = 4) -> pd.DataFrame:
    n = min(n, 12)
    names = [f"tenants.{place}.weight" for place in range(n)]
    return pd.DataFrame({"parameter": names, "share": np.linspace(0.6, 0, n)})


def changes_table(n: int = 400) -> pd.DataFrame:
    """Changes of one run by group; more rows are those of other metrics."""
    rows = [("sjf", "tenant", name, "p99_e2el_ms", -0.1, -0.2, 0.1) for name in ("all", *TENANTS)]
    rows += [("sjf", "tenant", "all", "mean_ttft_ms", 0.0, 0.0, 0.0)] * max(n - len(rows), 0)
    names = ["run", "scope", "name", "metric", "change", "change_low", "change_high"]
    return pd.DataFrame(rows, columns=names)
