"""The tables of one run; both worlds leave the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from driftsched.scenario.model import Scenario

__all__ = ["STATUSES", "RunResult", "later"]

STATUSES = ("finished", "rejected", "failed", "timed_out", "cancelled")
"""The five ends of a request; each submitted request has exactly one."""


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
    build: Callable[[], pd.DataFrame]


def later(build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Stand in for a table of a `RunResult` until somebody reads it; then `build` makes it.

    A run of ten million requests has queues and a course of several gigabytes, which a summary does
    not look at.
    """
    return cast("pd.DataFrame", _Later(build))
