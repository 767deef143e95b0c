"""Requests and budgets of replications, generated once for all who ask for the same traffic."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from driftsched.workload.budgets import prepare_budgets
from driftsched.workload.generate import generate

if TYPE_CHECKING:
    from driftsched.scenario import Scenario
    from driftsched.workload.budgets import Budgets
    from driftsched.workload.table import Workload

__all__ = ["Traffic", "TrafficCache", "traffic_cache"]

MOST_REQUESTS = 2_000_000
MADE_OF = {"tenants", "categories", "prompts", "lengths", "phases", "trace", "drift"}
CLUSTER, ESTIMATOR = {"context_tokens"}, {"classifier", "unit", "predictor", "input_factor"}


class Traffic(NamedTuple):
    """One replication's requests and the fixed part of their budgets; nobody changes them."""

    workload: Workload
    budgets: Budgets


class TrafficCache:
    """Keeps what was generated last, so that a change of policy or batch size generates nothing.

    Parameters
    ----------
    most_requests : int
        Requests kept at most, in all; what was used least recently goes first.
    """

    def __init__(self, most_requests: int = MOST_REQUESTS) -> None:
        self._most = most_requests
        self._kept: OrderedDict[tuple[str, int], Traffic] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, scenario: Scenario, seeds: tuple[int, ...]) -> list[Traffic]:
        """Give each seed's traffic; safe to call from several threads.

        Raises
        ------
        InputError
            Where the traffic cannot be generated.
        """
        name = _name(scenario)
        return [self._one(scenario, name, seed) for seed in seeds]

    def _one(self, scenario: Scenario, name: str, seed: int) -> Traffic:
        key = (name, seed)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        workload = generate(scenario, seed)
        made = Traffic(workload, prepare_budgets(scenario, workload, seed))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += len(workload)
            while self._size > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone.workload)
        return made


def _name(scenario: Scenario) -> str:
    """Digest of everything that requests and budgets depend on, but for the seed."""
    parts = (
        scenario.model_dump_json(include=MADE_OF),
        scenario.cluster.model_dump_json(include=CLUSTER),
        scenario.estimator.model_dump_json(include=ESTIMATOR),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def traffic_cache() -> TrafficCache:
    """Return the process's own cache."""
    return TrafficCache()
