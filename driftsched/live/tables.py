"""A live run, ended or under way → the same tables as a simulated one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.results.build import build_result
from driftsched.results.gpu_samples import measured_gpu_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftsched.estimation.budget import Budgets
    from driftsched.live.flight import Flight
    from driftsched.live.snapshot import Moment
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["live_result"]


def live_result(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    moment: Moment,
    *,
    engine: str,
    wall_s: float,
    facts: Mapping[str, Any],
) -> RunResult:
    """Build the tables from what was measured.

    Lengths are the measured ones; a request that was never dispatched has 0 output tokens, and
    one that did not finish has no actual size class. The requests table has four more columns at
    its end: last_token_s (its own last token, also where a gang ended later), attempts, counted_by
    (where the token count comes from) and finish_reason.

    Parameters
    ----------
    scenario, workload, budgets : what was run
    moment : Moment
        The first requests of the workload, or all; those without a status are under way.
    engine : str
        Kind of the engine.
    wall_s : float
        How long it took, in seconds.
    facts : mapping
        Goes into the provenance under "live".
    """
    requests, flights = moment.requests, moment.flights
    count = len(requests)
    workload, budgets = _first(workload, count), _first_budgets(budgets, count)
    dispatched = np.array([request.request_id in flights for request in requests], dtype=np.bool_)
    output = np.array([_tokens(request, flights) for request in requests], dtype=np.int64)
    counted = np.array([request.counted_output_tokens for request in requests], dtype=np.int64)
    prompt = np.array([request.prompt_tokens for request in requests], dtype=np.int64)
    result = build_result(
        scenario,
        replace(workload, prompt_tokens=prompt, output_tokens=output),
        replace(budgets, counted_output=np.where(dispatched, counted, 0)),
        requests,
        learning=moment.learning,
        gpus=measured_gpu_table(moment.gpus),
        engine=f"live:{engine}",
        wall_s=wall_s,
    )
    return replace(
        result,
        requests=_with_flights(result.requests, flights),
        provenance=result.provenance | {"live": dict(facts)},
    )


def _tokens(request: Request, flights: Mapping[int, Flight]) -> int:
    flight = flights.get(request.request_id)
    if flight is None:
        return 0
    return request.output_tokens if request.status else flight.tokens


def _with_flights(table: pd.DataFrame, flights: Mapping[int, Flight]) -> pd.DataFrame:
    unfinished = (table["status"] != "finished").to_numpy(dtype=bool)
    table["actual_size_class"] = table["actual_size_class"].mask(unfinished)
    mine = [flights.get(number) for number in range(len(table))]
    answers = [flight.end.answer if flight and flight.end else None for flight in mine]
    table["last_token_s"] = np.array(
        [flight.last_token_s if flight else np.nan for flight in mine], dtype=np.float64
    )
    table["attempts"] = np.array([f.attempts if f else 0 for f in mine], dtype=np.int32)
    for name in ("counted_by", "finish_reason"):
        words = [getattr(answer, name) if answer else None for answer in answers]
        table[name] = pd.Categorical(words, categories=sorted({w for w in words if w}))
    return table


def _first(workload: Workload, count: int) -> Workload:
    """The first `count` requests of a workload."""
    if count == len(workload):
        return workload
    return workload.take(np.arange(count))


def _first_budgets(budgets: Budgets, count: int) -> Budgets:
    return replace(budgets, **{name: column[:count] for name, column in vars(budgets).items()})
