"""Requests that have ended, and the logs beside them → the tables of a run."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from driftsched import __version__
from driftsched.estimation.budget import SIZE_CLASSES, size_classes
from driftsched.results.events import lost_seconds, queue_table
from driftsched.results.gpu_samples import GpuLog, gpu_table
from driftsched.results.outcomes import Learning, Outcomes
from driftsched.results.replica_states import States
from driftsched.results.tables import RunResult, later

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.gateway.gateway import LearningRow, Requeue
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["build_result"]

Tries = tuple[ArrayLike, ArrayLike]


def build_result(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    requests: Sequence[Request] | Outcomes,
    *,
    learning: Sequence[LearningRow] | Learning,
    tries: Tries | None = None,
    gpu_logs: Sequence[GpuLog] = (),
    states: Sequence[States] = (),
    requeues: Sequence[Requeue] | None = None,
    gpus: pd.DataFrame | None = None,
    engine: str,
    wall_s: float,
    reason: str = "",
) -> RunResult:
    """Build the tables of a run; see `RunResult` for their columns.

    Parameters
    ----------
    scenario, workload, budgets : what was run
    requests : sequence of Request, or Outcomes
        All of them, in the workload's order, each with a status.
    learning : sequence of LearningRow, or Learning
        From the gateway.
    tries : (attempts, retry_of), optional
        Which try each request is, from 1, and the id of the try before it, -1 for none.
    gpu_logs : sequence, one item a replica
        Rows (time_s, running, kv_used_tokens) of a simulated run, or what gives them as columns.
    states : sequence, one item a replica
        Rows (time_s, state), where events change them.
    requeues : sequence of Requeue, optional
        From the gateway, where replicas can fail.
    gpus : DataFrame, optional
        The gpus table as it was measured, instead of `gpu_logs`.
    engine : str
        Who ran it.
    wall_s : float
        How long that took, in seconds.
    reason : str
        Why that engine, where there was a choice.
    """
    ends = requests if isinstance(requests, Outcomes) else Outcomes.of(requests)
    seen = learning if isinstance(learning, Learning) else Learning.of(learning)
    table = _requests(scenario, workload, budgets, ends, tries)
    if requeues is not None:
        table["lost_s"] = lost_seconds(requeues, len(table))
    return RunResult(
        scenario=scenario,
        requests=table,
        queues=later(partial(queue_table, scenario, table, requeues or ())),
        gpus=later(partial(gpu_table, scenario, gpu_logs, states)) if gpus is None else gpus,
        learning=later(partial(_learning, scenario, budgets, table, seen)),
        provenance=_provenance(scenario, engine, wall_s, reason),
    )


def _names(codes: NDArray[Any], names: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=pd.Index(names))


def _requests(
    scenario: Scenario, workload: Workload, budgets: Budgets, ends: Outcomes, tries: Tries | None
) -> pd.DataFrame:
    arrival, dispatch = ends.arrival_s, ends.dispatch_s
    first, finish = ends.first_token_s, ends.finish_s
    estimate = ends.estimated_output_tokens
    finished = ends.status.codes == 0
    ttft = first - arrival
    e2e = np.where(finished, finish - arrival, np.nan)
    gaps = np.where(workload.output_tokens > 1, workload.output_tokens - 1, np.nan)
    tiers = [tenant.tier for tenant in scenario.tenants]
    tier_names = list(dict.fromkeys(tiers))
    tier_codes = np.array([tier_names.index(tier) for tier in tiers])
    attempt, retry_of = tries or (np.ones(len(arrival)), np.full(len(arrival), -1))
    user = np.full(len(arrival), -1) if workload.user is None else workload.user
    total = budgets.prompt_length + estimate
    actual = budgets.prompt_length + budgets.output_length
    categories = scenario.category_names
    return pd.DataFrame(
        {
            "request_id": np.arange(len(arrival)),
            "tenant": _names(workload.tenant, scenario.tenant_names),
            "tier": _names(tier_codes[workload.tenant], tier_names),
            "category": _names(workload.category, categories),
            "predicted_category": _names(budgets.predicted, categories),
            "phase": _names(workload.phases, [segment.name for segment in workload.segments]),
            "size_class": _names(size_classes(scenario, total), SIZE_CLASSES),
            "actual_size_class": _names(size_classes(scenario, actual), SIZE_CLASSES),
            "prompt_tokens": workload.prompt_tokens,
            "max_output_tokens": workload.max_output_tokens,
            "counted_prompt_tokens": budgets.prompt_length,
            "base_tokens": budgets.base_tokens,
            "bias": ends.bias,
            "safety_factor": budgets.safety_factor,
            "input_factor": budgets.input_factor,
            "estimated_output_tokens": estimate,
            "total_token_budget": total,
            "output_tokens": workload.output_tokens,
            "counted_output_tokens": budgets.output_length,
            "arrival_s": arrival,
            "dispatch_s": dispatch,
            "first_token_s": first,
            "finish_s": finish,
            "queue_wait_s": dispatch - arrival,
            "ttft_s": ttft,
            "tpot_s": (e2e - ttft) / gaps,
            "e2e_s": e2e,
            "preemptions": ends.preemptions,
            "replica": ends.replica,
            "batch_id": ends.batch_id,
            "status": _names(ends.status.codes, ends.status.names),
            "reason": _names(ends.reason.codes, ends.reason.names),
            "attempt": np.asarray(attempt, dtype=np.int32),
            "retry_of": np.asarray(retry_of, dtype=np.int64),
            "user": user,
        },
        copy=False,
    )


def _learning(
    scenario: Scenario, budgets: Budgets, table: pd.DataFrame, seen: Learning
) -> pd.DataFrame:
    ids, bias = seen.request_id.astype(np.int64), seen.bias
    keys = budgets.predicted[ids]
    old = np.ones(len(ids))
    for key in range(len(scenario.categories)):
        places = np.flatnonzero(keys == key)
        old[places[1:]] = bias[places[:-1]]
    return pd.DataFrame(
        {
            "time_s": seen.time_s,
            "request_id": ids,
            "key": _names(keys, scenario.category_names),
            "old_bias": old,
            "measured_bias": budgets.output_length[ids] / budgets.base_tokens[ids],
            "bias": bias,
            "estimated_output_tokens": table["estimated_output_tokens"].to_numpy()[ids],
            "output_tokens": budgets.output_length[ids],
        },
        copy=False,
    )


def _provenance(scenario: Scenario, engine: str, wall_s: float, reason: str) -> dict[str, Any]:
    return {
        "version": __version__,
        "seed": scenario.seed,
        "engine": engine,
        "engine_reason": reason,
        "wall_s": wall_s,
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "system": platform.system(),
    }
