"""Requests that have ended, and the logs beside them → the tables of a run."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched import __version__
from driftsched.estimation.budget import SIZE_CLASSES, size_classes
from driftsched.results.events import queue_table
from driftsched.results.gpu_samples import gpu_table
from driftsched.results.tables import STATUSES, RunResult

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.gateway import LearningRow
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["build_result"]


def build_result(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    requests: Sequence[Request],
    *,
    learning: Sequence[LearningRow],
    gpu_logs: Sequence[Sequence[tuple[float, int, int]]] = (),
    gpus: pd.DataFrame | None = None,
    engine: str,
    wall_s: float,
) -> RunResult:
    """Build the tables of a run; see `RunResult` for their columns.

    Parameters
    ----------
    scenario, workload, budgets : what was run
    requests : sequence of Request
        All of them, in the workload's order, each with a status.
    learning : sequence of LearningRow
        From the gateway.
    gpu_logs : sequence, one item a replica
        Rows (time_s, running, kv_used_tokens) of a simulated run.
    gpus : DataFrame, optional
        The gpus table as it was measured, instead of `gpu_logs`.
    engine : str
        Who ran it.
    wall_s : float
        How long that took, in seconds.
    """
    table = _requests(scenario, workload, budgets, requests)
    return RunResult(
        scenario=scenario,
        requests=table,
        queues=queue_table(scenario, table),
        gpus=gpu_table(scenario, gpu_logs) if gpus is None else gpus,
        learning=_learning(scenario, budgets, table, learning),
        provenance=_provenance(scenario, engine, wall_s),
    )


NUMBERS = (
    *("arrival_s", "dispatch_s", "first_token_s", "finish_s"),
    *("bias", "estimated_output_tokens", "preemptions", "replica", "batch_id"),
)


def _numbers(requests: Sequence[Request]) -> dict[str, NDArray[np.float64]]:
    """What a run writes into its requests; read request by request, since they lie far apart."""
    rows = chain.from_iterable(map(attrgetter(*NUMBERS), requests))
    flat = np.fromiter(rows, np.float64, len(NUMBERS) * len(requests))
    columns = flat.reshape(-1, len(NUMBERS)).T.copy()
    return dict(zip(NUMBERS, columns, strict=True))


def _words(
    requests: Sequence[Request], name: str, known: Sequence[str] = ()
) -> pd.Categorical[str]:
    """A column of words: those `known`, then others as they come."""
    codes = {word: code for code, word in enumerate(known)}
    words = list(map(attrgetter(name), requests))
    for word in dict.fromkeys(words):
        codes.setdefault(word, len(codes))
    return _names(np.fromiter(map(codes.__getitem__, words), np.int32, len(words)), list(codes))


def _names(codes: NDArray[Any], names: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=pd.Index(names))


def _requests(
    scenario: Scenario, workload: Workload, budgets: Budgets, requests: Sequence[Request]
) -> pd.DataFrame:
    numbers = _numbers(requests)
    arrival, dispatch, first, finish = (numbers[name] for name in NUMBERS[:4])
    estimate = numbers["estimated_output_tokens"].astype(np.int64)
    status = _words(requests, "status", STATUSES)
    finished = status.codes == 0
    ttft = first - arrival
    e2e = np.where(finished, finish - arrival, np.nan)
    gaps = np.where(workload.output_tokens > 1, workload.output_tokens - 1, np.nan)
    tiers = [tenant.tier for tenant in scenario.tenants]
    tier_names = list(dict.fromkeys(tiers))
    tier_codes = np.array([tier_names.index(tier) for tier in tiers])
    phases = np.zeros(len(requests), dtype=np.int32)
    for number, segment in enumerate(workload.segments):
        phases[segment.first : segment.stop] = number
    total = budgets.counted_prompt + estimate
    actual = budgets.counted_prompt + budgets.counted_output
    categories = scenario.category_names
    return pd.DataFrame(
        {
            "request_id": np.arange(len(requests)),
            "tenant": _names(workload.tenant, scenario.tenant_names),
            "tier": _names(tier_codes[workload.tenant], tier_names),
            "category": _names(workload.category, categories),
            "predicted_category": _names(budgets.predicted, categories),
            "phase": _names(phases, [segment.name for segment in workload.segments]),
            "size_class": _names(size_classes(scenario, total), SIZE_CLASSES),
            "actual_size_class": _names(size_classes(scenario, actual), SIZE_CLASSES),
            "prompt_tokens": workload.prompt_tokens,
            "max_output_tokens": workload.max_output_tokens,
            "counted_prompt_tokens": budgets.counted_prompt,
            "base_tokens": budgets.base_tokens,
            "bias": numbers["bias"],
            "safety_factor": budgets.safety_factor,
            "input_factor": budgets.input_factor,
            "estimated_output_tokens": estimate,
            "total_token_budget": total,
            "output_tokens": workload.output_tokens,
            "counted_output_tokens": budgets.counted_output,
            "arrival_s": arrival,
            "dispatch_s": dispatch,
            "first_token_s": first,
            "finish_s": finish,
            "queue_wait_s": dispatch - arrival,
            "ttft_s": ttft,
            "tpot_s": (e2e - ttft) / gaps,
            "e2e_s": e2e,
            "preemptions": numbers["preemptions"].astype(np.int32),
            "replica": numbers["replica"].astype(np.int32),
            "batch_id": numbers["batch_id"].astype(np.int64),
            "status": status,
            "reason": _words(requests, "reason"),
        },
        copy=False,
    )


def _learning(
    scenario: Scenario, budgets: Budgets, table: pd.DataFrame, rows: Sequence[LearningRow]
) -> pd.DataFrame:
    flat = np.fromiter(chain.from_iterable(rows), np.float64, 3 * len(rows)).reshape(-1, 3)
    ids = flat[:, 1].astype(np.int64)
    keys = budgets.predicted[ids]
    bias = flat[:, 2].copy()
    old = np.ones(len(rows))
    for key in np.unique(keys):
        places = np.flatnonzero(keys == key)
        old[places[1:]] = bias[places[:-1]]
    return pd.DataFrame(
        {
            "time_s": flat[:, 0].copy(),
            "request_id": ids,
            "key": _names(keys, scenario.category_names),
            "old_bias": old,
            "measured_bias": budgets.counted_output[ids] / budgets.base_tokens[ids],
            "bias": bias,
            "estimated_output_tokens": table["estimated_output_tokens"].to_numpy()[ids],
            "output_tokens": budgets.counted_output[ids],
        },
        copy=False,
    )


def _provenance(scenario: Scenario, engine: str, wall_s: float) -> dict[str, Any]:
    return {
        "version": __version__,
        "seed": scenario.seed,
        "engine": engine,
        "wall_s": wall_s,
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "system": platform.system(),
    }
