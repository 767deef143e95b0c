"""What a live run looks like right now: its state in figures, its tables so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Literal

from driftsched.results.storage import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from driftsched.live.books import Tries
    from driftsched.live.engine import EngineFacts
    from driftsched.live.flight import Flight
    from driftsched.results.outcomes import LearningRow
    from driftsched.results.tables import RunResult
    from driftsched.scheduling.request import Request

__all__ = ["LiveSnapshot", "Moment", "State", "counts", "frozen", "snapshot_of"]

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
        Tries made and requests to come, as far as these are known: where clients try again, or
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
class Moment:
    """What the tables of one instant are built from; the run does not change it any more."""

    now_s: float
    tries: Tries
    expected: int
    drift_marks: Sequence[tuple[float, str]]
    flights: Mapping[int, Flight]
    learning: Sequence[LearningRow]
    gpus: Sequence[Mapping[str, float]]


def frozen(requests: Sequence[Request]) -> list[Request]:
    """Copy those requests that may still change."""
    return [request if request.status else copy(request) for request in requests]


def counts(requests: Sequence[Request]) -> Counter[str]:
    """How many requests have which status; under way is the empty one."""
    return Counter(request.status for request in requests)


def snapshot_of(
    moment: Moment, result: RunResult, state: State, now_s: float, facts: EngineFacts | None
) -> LiveSnapshot:
    """Put a moment in figures.

    Parameters
    ----------
    moment : Moment
        With the tries so far; at the end with those that never came, too.
    result : RunResult
        Its tables.
    state, now_s, facts
        As in `LiveSnapshot`.
    """
    tries = moment.tries.requests
    ended = counts(tries)
    under_way = ended.pop("", 0)
    running = sum(not one.status and one.request_id in moment.flights for one in tries)
    return LiveSnapshot(
        state=state,
        now_s=now_s,
        facts=facts,
        requests=moment.expected,
        arrived=sum(not isnan(one.arrival_s) for one in tries),
        waiting=under_way - running,
        running=running,
        ended=dict(ended),
        output_tokens=sum(flight.tokens for flight in moment.flights.values()),
        drift_marks=moment.drift_marks,
        tables={name: getattr(result, name) for name in TABLES},
    )
