"""The requests of a run, made as they come and put into columns when they have ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from driftsched.gateway.intake import make_requests
from driftsched.results.outcomes import OutcomesReader

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.results.outcomes import Outcomes
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["RequestStream"]

BLOCK = 512


class RequestStream:
    """A workload's requests in order of arrival, to be run through once.

    They are made a block at a time, when the first of it is taken, and the oldest blocks are let go
    when all in them have ended. So there are about as many as wait and run, and they stay in the
    processor's cache, which is what a hundred thousand of them would not.

    Parameters
    ----------
    scenario, workload, budgets : what is run
    """

    def __init__(self, scenario: Scenario, workload: Workload, budgets: Budgets) -> None:
        self._scenario, self._workload, self._budgets = scenario, workload, budgets
        self._kept: deque[list[Request]] = deque()
        self._read = OutcomesReader()

    def __iter__(self) -> Iterator[Request]:
        return chain.from_iterable(self._blocks())

    def outcomes(self) -> Outcomes:
        """How all requests went, after the run."""
        while self._kept:
            self._read.read(self._kept.popleft())
        return self._read.outcomes()

    def _blocks(self) -> Iterator[list[Request]]:
        for start in range(0, len(self._workload), BLOCK):
            while self._kept and all(map(attrgetter("status"), self._kept[0])):
                self._read.read(self._kept.popleft())
            part = slice(start, start + BLOCK)
            made = make_requests(self._scenario, self._workload, self._budgets, part)
            self._kept.append(made)
            yield made
