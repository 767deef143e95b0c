"""A live run, ended or under way → the same tables as a simulated one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftsched.results.build import build_result
from driftsched.results.gpu_samples import measured_gpu_table
from driftsched.results.outcomes import Learning, Outcomes, RunArrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftsched.estimation.budget import Budgets
    from driftsched.live.flight import Flight
    from driftsched.live.snapshot import Moment
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
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
    one that did not finish has no actual size class. A try that follows another is a row of its
    own (attempt, retry_of), as in a simulated run. The requests table has five more columns at its
    end: last_token_s (its own last token, also where a gang ended later), attempts, cached_tokens
    (of its prompt, where the engine tells), counted_by (where the token count comes from) and
    finish_reason.

    Parameters
    ----------
    scenario, workload, budgets : what was run
    moment : Moment
        The tries so far, or all; those without a status are under way.
    engine : str
        Kind of the engine.
    wall_s : float
        How long it took, in seconds.
    facts : mapping
        Goes into the provenance under "live".
    """
    tries, flights = moment.tries, moment.flights
    requests, rows = tries.requests, np.array(tries.rows, dtype=np.int64)
    workload, budgets = workload.take(rows), budgets.take(rows)
    mine = [flights.get(request.request_id) for request in requests]
    output = np.array([_tokens(flight) for flight in mine], dtype=np.int64)
    counted = np.array([one.counted_tokens if one else 0 for one in mine], dtype=np.int64)
    prompt = np.array([request.prompt_tokens for request in requests], dtype=np.int64)
    result = build_result(
        scenario,
        RunArrays(
            replace(workload, prompt_tokens=prompt, output_tokens=output),
            replace(budgets, output_length=counted),
            Outcomes.of(requests),
            engine=f"live:{engine}",
            learning=Learning.of(moment.learning),
            attempts=np.array(tries.attempts),
            retry_of=np.array(tries.retry_of),
        ),
        wall_s=wall_s,
        gpus=measured_gpu_table(moment.gpus),
    )
    return replace(
        result,
        requests=_with_flights(result.requests, mine),
        provenance=result.provenance | {"live": dict(facts)},
    )


def _tokens(flight: Flight | None) -> int:
    if flight is None:
        return 0
    return flight.output_tokens if flight.request.status else flight.tokens


def _with_flights(table: pd.DataFrame, mine: Sequence[Flight | None]) -> pd.DataFrame:
    unfinished = (table["status"] != "finished").to_numpy(dtype=bool)
    table["actual_size_class"] = table["actual_size_class"].mask(unfinished)
    outcomes = [flight.outcome if flight else None for flight in mine]
    answers = [outcome.answer if outcome else None for outcome in outcomes]
    table["last_token_s"] = np.array(
        [flight.last_token_s if flight else np.nan for flight in mine], dtype=np.float64
    )
    table["attempts"] = np.array([f.attempts if f else 0 for f in mine], dtype=np.int32)
    cached = [answer.cached_tokens if answer else None for answer in answers]
    table["cached_tokens"] = np.array(cached, dtype=np.float64)
    for name in ("counted_by", "finish_reason"):
        words = [getattr(answer, name) if answer else None for answer in answers]
        table[name] = pd.Categorical(words, categories=sorted({w for w in words if w}))
    return table
