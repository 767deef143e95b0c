"""Scenarios of `engines.py`: the paper's mix with Poisson arrivals, one thing varied at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.simulation import simulate

__all__ = ["CASES", "loaded"]

POLICIES = ("fifo", "priority", "weighted", "sjf", "aging")
SIMPY_MOST = 100_000
MEASURED = 20_000
EACH = 50_000
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
    backlog: int = 0,
) -> Scenario:
    """Poisson arrivals at a share of what the cluster can serve, as measured under a flood.

    `backlog` of the requests come in such a flood before.
    """
    base = load_scenario("paper-continuous")
    phase: dict[str, Any] = {
        "name": "steady",
        "requests": requests - backlog,
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
    phase["arrivals"] = {"kind": "poisson", "rate_rps": load * replicas * _capacity_rps(scenario)}
    queue = {"cluster__queue": "per_replica", "cluster__router": {"kind": router}} if router else {}
    first = [_flood(phase, backlog)] if backlog else []
    return changed(scenario, phases=[*first, phase], cluster__replicas=replicas, **queue)


def _flood(phase: dict[str, Any], requests: int) -> dict[str, Any]:
    arrivals = {"kind": "poisson", "rate_rps": 1e5}
    return phase | {"name": "flood", "requests": requests, "arrivals": arrivals}


def _capacity_rps(scenario: Scenario) -> float:
    """Requests a second of one replica that always has more than it can serve."""
    flood = _flood(scenario.phases[0].model_dump(), MEASURED)
    flooded = changed(scenario, phases=[flood], policy={"kind": "fifo"})
    finish_s = simulate(flooded, engine="compiled").requests["finish_s"]
    full = np.percentile(finish_s, [10, 90])  # neither filling nor draining
    return float(0.8 * MEASURED / (full[1] - full[0]))


def _sizes(largest: int) -> Iterator[Case]:
    requests = 1000
    while requests <= largest:
        yield "continuous, fifo", loaded(requests), requests, requests <= SIMPY_MOST
        requests *= 10


def _policies(largest: int) -> Iterator[Case]:
    n = min(largest, EACH)
    for mode in ("continuous", "gang"):
        for policy in POLICIES:
            yield f"{mode}, {policy}", loaded(n, policy=policy, mode=mode), n, True


def _queues(largest: int) -> Iterator[Case]:
    """Four times as many arrive as can be served, so that three quarters of them wait together."""
    requests = 10_000
    while requests <= largest:
        scenario = loaded(requests, load=4, policy="sjf")
        yield f"sjf, {3 * requests // 4:,} wait", scenario, requests, requests <= SIMPY_MOST
        requests *= 10


def _batches(largest: int) -> Iterator[Case]:
    n = min(largest, EACH)
    for batch in (1, 8, 32, 128, 512):
        yield f"batch of {batch}", loaded(n, batch=batch), n, True


def _tenants(largest: int) -> Iterator[Case]:
    n = min(largest, EACH)
    for count in (1, 10, 100, 1000):
        yield f"weighted, {count} tenants", loaded(n, policy="weighted", tenants=count), n, True


def _replicas(largest: int) -> Iterator[Case]:
    n = min(largest, EACH)
    for count in (1, 4, 16, 64):
        yield f"one queue, {count} replicas", loaded(n, replicas=count), n, True
        if count > 1:
            scenario = loaded(n, replicas=count, router="least_outstanding")
            yield f"router, {count} replicas", scenario, n, True


def _clients(largest: int) -> Iterator[Case]:
    """More than can be served, so that some must leave or wait for ever."""
    n, base = min(largest, EACH), loaded(min(largest, EACH), load=1.2)
    patience = {
        "first_token_timeout_s": 20.0,
        "timeout_s": 60.0,
        "abandonment": {"kind": "exponential", "mean_s": 40.0},
    }
    retries = {"attempts": 3, "backoff_s": 5.0, "jitter": 0.5}
    for label, change in (
        ("they wait for ever", {}),
        ("they give up", {"patience": patience}),
        ("and try again", {"patience": patience, "retries": retries}),
    ):
        tenants = [tenant.model_dump() | change for tenant in base.tenants]
        yield label, changed(base, tenants=tenants), n, True
    think = {"kind": "exponential", "mean_s": 3.0}
    loop = {"arrivals": {"kind": "closed_loop", "users": 60, "think": think}}
    yield "60 users", changed(base, phases=[base.phases[0].model_dump() | loop]), n, True


CASES: dict[str, Callable[[int], Iterator[Case]]] = {
    "By the number of requests": _sizes,
    "By policy": _policies,
    "By the length of the queue": _queues,
    "By the size of the batch": _batches,
    "By the number of tenants": _tenants,
    "By the number of replicas": _replicas,
    "By what clients do": _clients,
}
