"""What explains the published claims: facts of a run beyond its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.results import estimation_error, without_compensation
from driftsched.results.replay import finished_rows, replay

if TYPE_CHECKING:
    from driftsched.experiments.replicate import Run

__all__ = ["RATIO", "findings"]

RATIO = "ratio_"
"""Begins the columns with each category's mean of actual over base length."""


def findings(run: Run) -> dict[str, str | int | float]:
    """Facts of one run, over its finished requests.

    Returns
    -------
    dict
        variant and seed; slot_use, the share of all steps of all requests in a gang that give a
        token (1 in a gang of equal lengths); cut_share, answers that end at their maximum;
        token_ratio and counted_ratio, the mean of actual over base length in tokens and in the
        estimator's unit; ratio_<category>, the latter by category as classified; mae_change and
        rmse_change, what the scenario's own compensator would change if all tenants had a
        safety factor of 1.
    """
    result = run.result
    rows = finished_rows(result.requests)
    tokens = rows["output_tokens"].to_numpy(np.float64)
    base = rows["base_tokens"].to_numpy(np.float64)
    ratio = rows["counted_output_tokens"] / rows["base_tokens"]
    by_category = ratio.groupby(rows["predicted_category"], observed=False).mean()
    even = rows.assign(safety_factor=1.0)
    actual = rows["counted_output_tokens"].to_numpy(np.int64)
    before = estimation_error(without_compensation(even, result.scenario), actual)
    after = estimation_error(
        replay(even, result.scenario, result.scenario.estimator.compensator), actual
    )
    facts: dict[str, str | int | float] = {
        "variant": run.variant,
        "seed": run.seed,
        "slot_use": _slot_use(rows),
        "cut_share": float((rows["output_tokens"] == rows["max_output_tokens"]).mean()),
        "token_ratio": float((tokens / base).mean()),
        "counted_ratio": float(ratio.mean()),
        "mae_change": _change(before["mae"], after["mae"]),
        "rmse_change": _change(before["rmse"], after["rmse"]),
    }
    return facts | {f"{RATIO}{name}": float(value) for name, value in by_category.items()}


def _slot_use(rows: pd.DataFrame) -> float:
    gangs = rows.groupby(["replica", "batch_id"])["output_tokens"]
    steps = float((gangs.size() * gangs.max()).sum())
    return float(rows["output_tokens"].sum()) / steps if steps else float(np.nan)


def _change(before: float, after: float) -> float:
    return after / before - 1 if before else float(np.nan)
