"""How far token budgets were off, and how far they would have been under other compensators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from driftsched.core.arrays import Array, Floats, Ints
from driftsched.estimation.compensators import CompensatorSpec
from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.estimation.compensators.none import NoneConfig
from driftsched.estimation.compensators.oracle import OracleConfig
from driftsched.results.tables import RunResult, codes_of, finished_rows
from driftsched.scenario.model import Scenario
from driftsched.scheduling.request import Request
from driftsched.workload.budgets import SIZE_CLASSES

NO_ERROR: dict[str, float | int] = {
    "mae": np.nan,
    "rmse": np.nan,
    "mape": np.nan,
    "mean_signed_error": np.nan,
    "n": 0,
}


SHOWN = [
    *("request_id", "tenant", "rank", "predicted", "arrival_s", "prompt_tokens", "output_tokens"),
    *("max_output_tokens", "counted_prompt_tokens", "counted_output_tokens", "base_tokens"),
    "uncorrected",
]
"""What a compensator is shown of a request, in the order of `Request`."""


def estimation_error(estimated: Array, actual: Array) -> dict[str, float | int]:
    """Errors of estimates of output lengths, both of shape (n,) in one unit, words or tokens.

    Returns
    -------
    dict
        mae, rmse and mean_signed_error (estimated − actual: positive is too long) in that unit,
        mape in percent (over the actual lengths above 0), n; NaN where there is no request.

    Raises
    ------
    ValueError
        When the two differ in shape.

    Examples
    --------
    >>> error = estimation_error(np.array([120, 80]), np.array([100, 100]))
    >>> error["mae"], error["mape"], error["mean_signed_error"], error["n"]
    (20.0, 20.0, 0.0, 2)
    """
    guess, truth = np.asarray(estimated, np.float64), np.asarray(actual, np.float64)
    if guess.shape != truth.shape:
        raise ValueError(f"estimated must have actual's shape {truth.shape}, got {guess.shape}")
    if not len(guess):
        return dict(NO_ERROR)
    error = guess - truth
    some = truth > 0
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mape": float(100 * (np.abs(error[some]) / truth[some]).mean()) if some.any() else np.nan,
        "mean_signed_error": float(error.mean()),
        "n": len(guess),
    }


def drift(requests: pd.DataFrame) -> Floats:
    """Drift of each request: actual / estimated output length; NaN where it did not finish.

    An estimate of 0 counts as 1, the least that a request gives.
    """
    actual = requests["counted_output_tokens"].to_numpy(np.float64)
    estimated = requests["estimated_output_tokens"].to_numpy(np.float64)
    finished = (requests["status"] == "finished").to_numpy(dtype=bool)
    return np.where(finished, actual / np.maximum(estimated, 1), np.nan)


def replay(requests: pd.DataFrame, scenario: Scenario, compensator: CompensatorSpec) -> Ints:
    """Estimates (n,) as `compensator` would have given them, had all else gone as it did.

    Events are walked in order of time: an arrival asks ``predict_one``, a finish teaches
    ``learn_one`` with actual / base tokens, under the scenario's detector, as in the gateway. Of
    events at one instant arrivals come first, then finishes, each in order of request_id: the
    simulated replicas' order. Rows that did not finish teach nothing; the run's own compensator
    gives the run's estimates again.
    """
    stream = _requests(requests, scenario)
    own = scenario.estimator
    predictor = compensator.build(
        len(scenario.categories), len(scenario.tenants), own.detector, own.censoring
    )
    predict, learn = predictor.predict_one, predictor.learn_one
    estimates = np.zeros(len(stream), dtype=np.int64)
    for event in _events(requests).tolist():
        place, finish = divmod(event, 2)
        request = stream[place]
        if finish:
            learn(request, request.output_length / request.base_tokens)
        else:
            request.bias = predict(request)
            estimate = predictor.length(request, request.bias)
            estimates[place] = request.estimated_output_tokens = estimate
    return estimates


def _events(requests: pd.DataFrame) -> Ints:
    """Events in order: twice the row's position, plus one for a finish."""
    arrival, finish = (requests[n].to_numpy(np.float64) for n in ("arrival_s", "finish_s"))
    ids = requests["request_id"].to_numpy(np.int64)
    places = np.arange(len(requests))
    done = np.flatnonzero((requests["status"] == "finished").to_numpy(dtype=bool))
    events = np.concatenate([2 * places, 2 * done + 1])
    times = np.concatenate([arrival, finish[done]])
    return events[np.lexsort((np.concatenate([ids, ids[done]]), events % 2, times))]


def _requests(requests: pd.DataFrame, scenario: Scenario) -> list[Request]:
    """Rows of the table as the gateway saw them."""
    tenant = codes_of(requests["tenant"], scenario.tenant_names)
    shown = requests.assign(
        tenant=tenant,
        rank=np.array([one.rank for one in scenario.tenants])[tenant],
        predicted=codes_of(requests["predicted_category"], scenario.category_names),
        uncorrected=requests["base_tokens"] * requests["safety_factor"] * requests["input_factor"],
    )
    return [Request(*row) for row in shown[SHOWN].itertuples(index=False)]


def without_compensation(requests: pd.DataFrame, scenario: Scenario) -> Ints:
    """Estimates of the same requests at bias 1: int(base · safety · input factor), shape (n,)."""
    return replay(requests, scenario, NoneConfig())


def estimation_table(
    result: RunResult, compensators: Mapping[str, CompensatorSpec] | None = None
) -> pd.DataFrame:
    """Errors of the run's estimates beside those of other compensators, of who finished.

    By default these are none, ema (the scenario's own parameters where it uses one), and oracle,
    with the scenario's own between where it is another kind. The row of the scenario's own
    compensator is what really happened in the run, not a replay.

    Returns
    -------
    DataFrame
        compensator, mae, rmse, mape (%), mean_signed_error, n, mae_change and rmse_change
        (relative to bias 1; −0.388 is 38.8 % less), own (bool).
    """
    own = result.scenario.estimator.compensator
    specs = _default_compensators(own) if compensators is None else dict(compensators)
    rows = finished_rows(result.requests)
    actual = rows["counted_output_tokens"].to_numpy(np.int64)
    plain = without_compensation(rows, result.scenario)
    before = estimation_error(plain, actual)
    table = []
    for name, spec in specs.items():
        if spec == own:
            estimated = rows["estimated_output_tokens"].to_numpy(np.int64)
        else:
            estimated = plain if spec == NoneConfig() else replay(rows, result.scenario, spec)
        error = estimation_error(estimated, actual)
        changes = {f"{key}_change": _change(error[key], before[key]) for key in ("mae", "rmse")}
        table.append({"compensator": name} | error | changes | {"own": spec == own})
    names = ["compensator", *NO_ERROR, "mae_change", "rmse_change", "own"]
    return pd.DataFrame(table, columns=names)


def _default_compensators(own: CompensatorSpec) -> dict[str, CompensatorSpec]:
    specs: dict[str, CompensatorSpec] = {"none": NoneConfig(), "ema": EmaConfig()}
    specs[own.kind] = own
    specs.pop("oracle", None)
    return specs | {"oracle": OracleConfig()}


def _change(value: float, base: float) -> float:
    return value / base - 1 if base > 0 else float(np.nan)


def confusion(requests: pd.DataFrame) -> pd.DataFrame:
    """Count finished requests by estimated size class (rows) and actual size class (columns)."""
    rows = finished_rows(requests)
    names = list(SIZE_CLASSES)
    counts = pd.crosstab(rows["size_class"], rows["actual_size_class"])
    return counts.reindex(
        index=pd.Index(names, name="size_class"),
        columns=pd.Index(names, name="actual_size_class"),
        fill_value=0,
    )


def misclassified_share(requests: pd.DataFrame) -> float:
    """Share of finished requests whose size class was not the estimated one, 0 to 1, or NaN."""
    counts = confusion(requests).to_numpy()
    total = int(counts.sum())
    return float(1 - np.trace(counts) / total) if total else float(np.nan)
