"""How requests went, as arrays: what both engines and live runs hand to the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from driftsched.core.arrays import Array, Bools, Floats
from driftsched.results.gpu_samples import GpuLog, States
from driftsched.scheduling.request import Request
from driftsched.workload.budgets import Budgets
from driftsched.workload.table import Workload

STATUSES = ("finished", "rejected", "failed", "timed_out", "cancelled")
"""The five ends of a request; each submitted request has exactly one."""
LearningRow = tuple[float, int, float]
"""time_s, request_id, the category's bias from then on."""
Requeue = tuple[int, float, float]
"""request_id, when it was dispatched, when its engine failed and it waited again."""
NUMBERS = {
    "arrival_s": "f8",
    "dispatch_s": "f8",
    "first_token_s": "f8",
    "finish_s": "f8",
    "bias": "f8",
    "estimated_output_tokens": "i8",
    "batch_id": "i8",
    "preemptions": "i4",
    "replica": "i4",
}


@dataclass(frozen=True)
class Words:
    """A column of words: positions in `names`, in order of first use behind the known ones."""

    codes: Array
    names: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str], known: Sequence[str] = ()) -> Words:
        """Number the words: those `known`, then others as they come."""
        codes = {word: code for code, word in enumerate(known)}
        for word in dict.fromkeys(words):
            codes.setdefault(word, len(codes))
        numbers = np.fromiter(map(codes.__getitem__, words), np.int32, len(words))
        return cls(numbers, tuple(codes))


@dataclass(frozen=True)
class Outcomes:
    """The columns of the requests table that a run fills in; arrays (n,), see `RunResult`.

    By request id; seconds since the run's start, NaN where it did not come to that.
    """

    arrival_s: Floats
    dispatch_s: Floats
    first_token_s: Floats
    finish_s: Floats
    bias: Floats
    estimated_output_tokens: Array
    preemptions: Array
    replica: Array
    batch_id: Array
    status: Words
    reason: Words

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Outcomes:
        """Read the columns off the requests, in their order."""
        numbers: dict[str, Any] = {
            name: np.fromiter(map(attrgetter(name), requests), kind, len(requests))
            for name, kind in NUMBERS.items()
        }
        status, reason = ([*map(attrgetter(name), requests)] for name in ("status", "reason"))
        return cls(**numbers, status=Words.of(status, STATUSES), reason=Words.of(reason))


@dataclass(frozen=True)
class Learning:
    """What the compensator saw: a finished request each, in order of finishing; arrays (m,)."""

    time_s: Floats
    request_id: Array
    bias: Floats

    @classmethod
    def of(cls, rows: Sequence[LearningRow]) -> Learning:
        """Turn the gateway's rows into columns."""
        flat = np.fromiter(chain.from_iterable(rows), np.float64, 3 * len(rows)).reshape(-1, 3)
        return cls(flat[:, 0].copy(), flat[:, 1].astype(np.int64), flat[:, 2].copy())


NOTHING_LEARNT = Learning(np.empty(0), np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class RunArrays:
    """A run as arrays, before it becomes tables: what both engines and live runs leave.

    Workload, budgets and outcomes are of each request that was made, a try that follows another
    too; arrays (n,).

    Attributes
    ----------
    engine, reason : str
        Who ran it, and why, where there was a choice.
    attempts, retry_of : int arrays, optional
        Which try each request is, from 1, and the id of the try before it, -1 for none.
    gpu_logs, states : sequence, one item a replica
        Its course, see `GpuLog`, and where events change it its states.
    requeues : sequence of Requeue, optional
        Runs that counted for nothing, where replicas can fail.
    """

    workload: Workload
    budgets: Budgets
    outcomes: Outcomes
    engine: str
    reason: str = ""
    learning: Learning = NOTHING_LEARNT
    attempts: Array | None = None
    retry_of: Array | None = None
    gpu_logs: Sequence[GpuLog] = ()
    states: Sequence[States] = ()
    requeues: Sequence[Requeue] | None = None

    def __len__(self) -> int:
        """Requests made."""
        return len(self.outcomes.arrival_s)

    def has_status(self, status: str) -> Bools:
        """Whether each request ended like this, (n,); one of `STATUSES`."""
        mask: Bools = self.outcomes.status.codes == STATUSES.index(status)
        return mask

    def seconds(self, column: str) -> Floats:
        """A latency of each request, (n,); NaN where it did not come to that.

        queue_wait_s, ttft_s, or of finished requests alone e2e_s and tpot_s.
        """
        went = self.outcomes
        if column == "queue_wait_s":
            return went.dispatch_s - went.arrival_s
        if column == "ttft_s":
            return went.first_token_s - went.arrival_s
        e2e = np.where(self.has_status("finished"), went.finish_s - went.arrival_s, np.nan)
        if column == "e2e_s":
            return e2e
        gaps = self.workload.output_tokens - 1
        return (e2e - self.seconds("ttft_s")) / np.where(gaps > 0, gaps, np.nan)

    def latency(self, column: str) -> Floats:
        """`seconds` of finished requests alone, NaN for the others."""
        return np.where(self.has_status("finished"), self.seconds(column), np.nan)

    def without_logs(self) -> RunArrays:
        """The requests alone; what was logged beside them takes more room than they do."""
        return replace(self, learning=NOTHING_LEARNT, gpu_logs=(), states=(), requeues=None)
