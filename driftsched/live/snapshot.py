"""A live run right now: a frozen copy of its state, in tables and in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any, Literal

import numpy as np
import pandas as pd

from driftsched.live.attempts import Attempt
from driftsched.live.engine import EngineFacts
from driftsched.live.in_flight import InFlightRequest
from driftsched.live.traffic import LiveTraffic
from driftsched.results.gpu_samples import measured_gpu_table
from driftsched.results.outcomes import Learning, LearningRow, Outcomes, RunArrays
from driftsched.results.storage import TABLES
from driftsched.results.tables import RunResult, build_result
from driftsched.scenario.model import Scenario
from driftsched.scheduling.request import Request

State = Literal["opening", "running", "stopping", "ended"]


@dataclass(frozen=True)
class LiveSnapshot:
    """A live run at one instant.

    Attributes
    ----------
    state : {"opening", "running", "stopping", "ended"}
        Opening loads or reaches the engine; no time of the run has passed yet.
    now_s : float
        Seconds since the run's start.
    facts : EngineFacts or None
        Of the engine; None while it opens.
    requests : int
        Attempts made and requests to come, as far as these are known: where clients try again, or
        ask only once they have an answer, it is no more than an outlook.
    arrived, waiting, running : int
        So far, and right now.
    ended : mapping
        Status → how many requests ended so.
    output_tokens : int
        All tokens that have come, those of unfinished answers included.
    drift_marks : sequence of (float, str)
        When drift set in so far: seconds, label.
    tables : mapping
        requests, queues, gpus, learning so far; requests has the rows that have arrived, and an
        empty status where they are under way.
    """

    state: State
    now_s: float
    facts: EngineFacts | None
    requests: int
    arrived: int
    waiting: int
    running: int
    ended: Mapping[str, int]
    output_tokens: int
    drift_marks: Sequence[tuple[float, str]]
    tables: Mapping[str, pd.DataFrame]

    @property
    def done(self) -> bool:
        """Whether nothing follows."""
        return self.state == "ended"


@dataclass(frozen=True)
class FrozenState:
    """What the tables of one instant are built from; the run does not change it any more."""

    state: State
    now_s: float
    facts: EngineFacts | None
    attempts: Sequence[Attempt]
    expected: int
    drift_marks: Sequence[tuple[float, str]]
    in_flight: Mapping[int, InFlightRequest]
    learning: Sequence[LearningRow]
    gpus: Sequence[Mapping[str, float]]


def snapshot_of(state: FrozenState, result: RunResult) -> LiveSnapshot:
    """Put a state and its tables in figures."""
    requests = [one.request for one in state.attempts]
    ended = Counter(request.status for request in requests)
    under_way = ended.pop("", 0)
    running = sum(not one.status and one.request_id in state.in_flight for one in requests)
    return LiveSnapshot(
        state=state.state,
        now_s=state.now_s,
        facts=state.facts,
        requests=len(requests) if state.state == "ended" else state.expected,
        arrived=sum(not isnan(one.arrival_s) for one in requests),
        waiting=under_way - running,
        running=running,
        ended=dict(ended),
        output_tokens=sum(one.tokens for one in state.in_flight.values()),
        drift_marks=state.drift_marks,
        tables={name: getattr(result, name) for name in TABLES},
    )


def live_result(
    scenario: Scenario,
    traffic: LiveTraffic,
    state: FrozenState,
    *,
    engine: str,
    wall_s: float,
    about: Mapping[str, Any],
) -> RunResult:
    """Build the same tables as of a simulated run from what was measured.

    Lengths are the measured ones; a request that was never dispatched has 0 output tokens, and one
    that did not finish has no actual size class. An attempt that follows another is a row of its
    own (attempt, retry_of), as in a simulated run. The requests table has five more columns at its
    end: last_token_s (its own last token, also where a gang ended later), attempts, cached_tokens
    (of its prompt, where the engine tells), counted_by (where the token count comes from) and
    finish_reason. `state` has the attempts so far, or all, those under way without a status;
    `engine` is the engine's kind; `about` goes into the provenance under "live".
    """
    requests = [one.request for one in state.attempts]
    rows = np.array([one.row for one in state.attempts], dtype=np.int64)
    ran = [state.in_flight.get(request.request_id) for request in requests]
    workload, budgets = traffic.workload.take(rows), traffic.budgets.take(rows)
    output = np.array([_tokens(one, request) for one, request in zip(ran, requests, strict=True)])
    counted = np.array([one.counted_tokens if one else 0 for one in ran], dtype=np.int64)
    prompt = np.array([request.prompt_tokens for request in requests], dtype=np.int64)
    result = build_result(
        scenario,
        RunArrays(
            replace(workload, prompt_tokens=prompt, output_tokens=output.astype(np.int64)),
            replace(budgets, output_length=counted),
            Outcomes.of(requests),
            engine=f"live:{engine}",
            learning=Learning.of(state.learning),
            attempts=np.array([one.attempt for one in state.attempts]),
            retry_of=np.array([one.retry_of for one in state.attempts]),
        ),
        wall_s=wall_s,
        gpus=measured_gpu_table(state.gpus),
    )
    return replace(
        result,
        requests=_with_answers(result.requests, ran),
        provenance=result.provenance | {"live": dict(about)},
    )


def _tokens(one: InFlightRequest | None, request: Request) -> int:
    if one is None:
        return 0
    return one.output_tokens if request.status else one.tokens


def _with_answers(table: pd.DataFrame, ran: Sequence[InFlightRequest | None]) -> pd.DataFrame:
    unfinished = (table["status"] != "finished").to_numpy(dtype=bool)
    table["actual_size_class"] = table["actual_size_class"].mask(unfinished)
    answers = [one.answer if one else None for one in ran]
    columns = {
        "last_token_s": [one.last_token_s if one else np.nan for one in ran],
        "attempts": [one.attempts if one else 0 for one in ran],
        "cached_tokens": [answer.cached_tokens if answer else None for answer in answers],
    }
    for name, kind in (("last_token_s", float), ("attempts", np.int32), ("cached_tokens", float)):
        table[name] = np.array(columns[name], dtype=kind)
    for name in ("counted_by", "finish_reason"):
        words = [getattr(answer, name) if answer else None for answer in answers]
        table[name] = pd.Categorical(words, categories=sorted({w for w in words if w}))
    return table
