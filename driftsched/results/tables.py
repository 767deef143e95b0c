"""The tables of one run, and how they are built; both worlds leave the same ones."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from driftsched import __version__
from driftsched.core.arrays import Array, Ints
from driftsched.results.gpu_samples import gpu_table
from driftsched.results.outcomes import Learning, RunArrays
from driftsched.results.queues import lost_seconds, queue_table
from driftsched.scenario.model import Scenario
from driftsched.workload.budgets import SIZE_CLASSES, Budgets, size_classes


@dataclass(frozen=True)
class RunResult:
    """One finished run.

    Attributes
    ----------
    requests : DataFrame
        One row a request in order of request_id: request_id, tenant, tier, category,
        predicted_category, phase, size_class, actual_size_class, prompt_tokens,
        max_output_tokens, counted_prompt_tokens, base_tokens, bias, safety_factor, input_factor,
        estimated_output_tokens, total_token_budget, output_tokens, counted_output_tokens,
        arrival_s, dispatch_s, first_token_s, finish_s, queue_wait_s, ttft_s, tpot_s, e2e_s,
        preemptions, replica, batch_id, status, reason, attempt (from 1), retry_of (request_id of
        the try before, -1 for none), user (of a closed loop, -1 for none).
        Where scenario events change replicas also lost_s: the part of queue_wait_s in which it ran
        on replicas that went down. Times are seconds since the run's start, NaN
        where it did not come to that; names are categoricals in the scenario's order. "counted" is
        in the estimator's unit (words or tokens), as estimates and budgets are.
    queues : DataFrame
        time_s, tenant, waiting, running: one row a change, for the tenant that changed.
    gpus : DataFrame
        time_s, replica, running, kv_used_tokens, kv_capacity_tokens, busy (share of the interval
        before), memory_busy (the same of the memory's bandwidth), power_w, energy_j (since the
        start), memory_used_mb, memory_total_mb, temperature_c, sm_clock_mhz, memory_clock_mhz,
        pstate, throttle_reasons (bits, as in nvml.h), process_cpu (cores), process_memory_mb; what
        is not modelled, or could not be measured, is NaN. Where scenario events change replicas, a
        replica has rows only while it exists, and also state (starting, up, slow, draining, down;
        absent in the row after it has left) and present_s (seconds of the interval before in which
        it existed).
    learning : DataFrame
        time_s, request_id, key (category as classified), old_bias, measured_bias, bias,
        estimated_output_tokens, output_tokens (counted).
    provenance : dict
        version, seed, engine, wall_s, python, machine facts.
    """

    scenario: Scenario
    requests: pd.DataFrame
    queues: pd.DataFrame
    gpus: pd.DataFrame
    learning: pd.DataFrame
    provenance: dict[str, Any] = field(default_factory=dict)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if isinstance(value, _Later):
            value = value.build()
            object.__setattr__(self, name, value)
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dict__}


@dataclass(frozen=True)
class _Later:
    """Stands in for a table until somebody reads it; then `build` makes it.

    A run of ten million requests has queues and logs of several gigabytes, which a summary does
    not look at.
    """

    build: Callable[[], pd.DataFrame]


def build_result(
    scenario: Scenario, run: RunArrays, *, wall_s: float, gpus: pd.DataFrame | None = None
) -> RunResult:
    """Build the tables of a run, see `RunResult`, which took `wall_s` seconds.

    The requests of `run` are in the order of their ids. `gpus` is the gpus table as it was
    measured, instead of the run's logs.
    """
    table = _requests(scenario, run)
    if run.requeues is not None:
        table["lost_s"] = lost_seconds(run.requeues, len(table))
    return RunResult(
        scenario=scenario,
        requests=table,
        queues=_later(queue_table, scenario, table, run.requeues or ()),
        gpus=_later(gpu_table, scenario, run.gpu_logs, run.states) if gpus is None else gpus,
        learning=_later(_learning, scenario, run.budgets, table, run.learning),
        provenance=_provenance(scenario, run.engine, wall_s, run.reason),
    )


def _later(build: Callable[..., pd.DataFrame], *args: Any) -> pd.DataFrame:
    return cast("pd.DataFrame", _Later(partial(build, *args)))


def _names(codes: Array, names: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=pd.Index(names))


def _requests(scenario: Scenario, run: RunArrays) -> pd.DataFrame:
    workload, budgets, went = run.workload, run.budgets, run.outcomes
    estimate = went.estimated_output_tokens
    tiers = [tenant.tier for tenant in scenario.tenants]
    tier_names = list(dict.fromkeys(tiers))
    tier_codes = np.array([tier_names.index(tier) for tier in tiers])
    attempts = np.ones(len(run)) if run.attempts is None else run.attempts
    retry_of = np.full(len(run), -1) if run.retry_of is None else run.retry_of
    user = np.full(len(run), -1) if workload.user is None else workload.user
    total = budgets.prompt_length + estimate
    actual = budgets.prompt_length + budgets.output_length
    categories = scenario.category_names
    return pd.DataFrame(
        {
            "request_id": np.arange(len(run)),
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
            "bias": went.bias,
            "safety_factor": budgets.safety_factor,
            "input_factor": budgets.input_factor,
            "estimated_output_tokens": estimate,
            "total_token_budget": total,
            "output_tokens": workload.output_tokens,
            "counted_output_tokens": budgets.output_length,
            "arrival_s": went.arrival_s,
            "dispatch_s": went.dispatch_s,
            "first_token_s": went.first_token_s,
            "finish_s": went.finish_s,
            "queue_wait_s": run.seconds("queue_wait_s"),
            "ttft_s": run.seconds("ttft_s"),
            "tpot_s": run.seconds("tpot_s"),
            "e2e_s": run.seconds("e2e_s"),
            "preemptions": went.preemptions,
            "replica": went.replica,
            "batch_id": went.batch_id,
            "status": _names(went.status.codes, went.status.names),
            "reason": _names(went.reason.codes, went.reason.names),
            "attempt": np.asarray(attempts, dtype=np.int32),
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


def finished_rows(requests: pd.DataFrame) -> pd.DataFrame:
    """Rows of the requests that finished, in the table's order."""
    if requests.empty:
        return requests
    return requests[(requests["status"] == "finished").to_numpy(dtype=bool)]


def codes_of(column: pd.Series[Any], names: Sequence[str]) -> Ints:
    """Places of a column's names among `names`, (n,); -1 for others."""
    return pd.Categorical(column, categories=list(names)).codes.astype(np.int64)
