"""Scenarios of `engines.py`: the paper's mix with Poisson arrivals, one thing varied at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.workload import offered_load

__all__ = ["CASES", "loaded"]

POLICIES = ("fifo", "priority", "weighted", "sjf", "aging")
SIMPY_MOST = 100_000
Case = tuple[str, Scenario, int, bool]
"""Label, scenario, requests, whether SimPy runs it too."""


def loaded(
    requests: int,
    *,
    load: float = 0.9,
    policy: str = "fifo",
    batch: int = 32,
    tenants: int = 3,
    replicas: int = 1,
    mode: str = "continuous",
    router: str | None = None,
) -> Scenario:
    """Poisson arrivals at a share of what the cluster can serve."""
    base = load_scenario("paper-continuous")
    phase: dict[str, Any] = {
        "name": "steady",
        "requests": requests,
        "arrivals": {"kind": "poisson", "rate_rps": 1.0},
        "mix": base.phases[0].mix,
    }
    several = [{"name": f"t{n}", "share": 1 / tenants, "weight": 1 + n % 5} for n in range(tenants)]
    scenario = changed(
        base,
        phases=[phase],
        engine__batch_size=batch,
        engine__mode=mode,
        policy={"kind": policy},
        **({} if tenants == 3 else {"tenants": several}),
    )
    rate = load * replicas * offered_load(scenario).peak.saturation_rps
    phase["arrivals"] = {"kind": "poisson", "rate_rps": rate}
    queue = {"cluster__queue": "per_replica", "cluster__router": {"kind": router}} if router else {}
    return changed(scenario, phases=[phase], cluster__replicas=replicas, **queue)


def _sizes(largest: int) -> Iterator[Case]:
    requests = 1000
    while requests <= largest:
        yield "continuous, fifo", loaded(requests), requests, requests <= SIMPY_MOST
        requests *= 10


def _policies(largest: int) -> Iterator[Case]:
    for mode in ("continuous", "gang"):
        for policy in POLICIES:
            yield f"{mode}, {policy}", loaded(50_000, policy=policy, mode=mode), 50_000, True


def _queues(largest: int) -> Iterator[Case]:
    """Four times as many arrive as can be served, so that three quarters of them wait together."""
    requests = 10_000
    while requests <= min(largest, 10_000_000):
        scenario = loaded(requests, load=4, policy="sjf")
        yield f"sjf, {3 * requests // 4:,} wait", scenario, requests, requests <= SIMPY_MOST
        requests *= 10


def _batches(largest: int) -> Iterator[Case]:
    for batch in (1, 8, 32, 128, 512):
        yield f"batch of {batch}", loaded(50_000, batch=batch), 50_000, True


def _tenants(largest: int) -> Iterator[Case]:
    for count in (1, 10, 100, 1000):
        yield (
            f"weighted, {count} tenants",
            loaded(50_000, policy="weighted", tenants=count),
            50_000,
            True,
        )


def _replicas(largest: int) -> Iterator[Case]:
    for count in (1, 4, 16, 64):
        yield f"one queue, {count} replicas", loaded(50_000, replicas=count), 50_000, True
        if count > 1:
            scenario = loaded(50_000, replicas=count, router="least_outstanding")
            yield f"router, {count} replicas", scenario, 50_000, True


CASES: dict[str, Callable[[int], Iterator[Case]]] = {
    "By the number of requests": _sizes,
    "By policy": _policies,
    "By the length of the queue": _queues,
    "By the size of the batch": _batches,
    "By the number of tenants": _tenants,
    "By the number of replicas": _replicas,
}
