"""Routers in numbers; see `driftsched.scheduling.routers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from driftsched.scheduling.routers.least_estimated_tokens import LeastEstimatedTokensConfig
from driftsched.scheduling.routers.least_outstanding import LeastOutstandingConfig
from driftsched.scheduling.routers.power_of_two import STREAM, PowerOfTwoConfig
from driftsched.scheduling.routers.round_robin import RoundRobinConfig
from driftsched.scheduling.routers.tenant_affinity import TenantAffinityConfig
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.world import World

if TYPE_CHECKING:
    from driftsched.scheduling.routers import RouterSpec

__all__ = ["NUMBERED", "draws", "route"]

ROUND_ROBIN, LEAST_OUTSTANDING, LEAST_TOKENS, POWER_OF_TWO, TENANT_AFFINITY = range(5)
NUMBERED: dict[type[RouterSpec], int] = {
    RoundRobinConfig: ROUND_ROBIN,
    LeastOutstandingConfig: LEAST_OUTSTANDING,
    LeastEstimatedTokensConfig: LEAST_TOKENS,
    PowerOfTwoConfig: POWER_OF_TWO,
    TenantAffinityConfig: TENANT_AFFINITY,
}


def draws(router: int, seed: int, requests: int) -> NDArray[np.float64]:
    """Uniform draws of a whole run, two a request routed; none where the router draws none."""
    if router != POWER_OF_TWO:
        return np.empty((0, 2))
    return np.random.default_rng(SeedSequence(seed, spawn_key=(STREAM,))).random((requests, 2))


@inlined
def route(w: World, item: int) -> int:
    """Choose a replica among those whose KV cache can hold the request."""
    run, request = w.run[0], w.requests[item]
    needed = request.prompt_tokens + request.max_output_tokens
    if run.router == ROUND_ROBIN:
        chosen = next_after(w, run.last_route, needed)
        run.last_route = chosen
    elif run.router == TENANT_AFFINITY:
        chosen = next_after(w, request.tenant % len(w.replicas) - 1, needed)
    elif run.router == POWER_OF_TWO:
        chosen = power_of_two(w, needed)
    else:
        chosen = least(w, needed, run.router == LEAST_TOKENS)
    run.routes += 1
    replica = w.replicas[chosen]
    replica.sent += 1
    replica.sent_tokens += w.prompt_length[item] + w.estimate[item]
    request.replica = chosen
    return chosen


@inlined
def next_after(w: World, number: int, needed: int) -> int:
    """First replica after `number` that holds so many tokens, in a circle."""
    count = len(w.replicas)
    for step in range(1, count + 1):
        one = (number + step) % count
        if w.replicas[one].capacity >= needed:
            return one
    return -1


@inlined
def least(w: World, needed: int, by_tokens: bool) -> int:
    """Replica with the least requests or tokens sent and not ended; ties to the lower number."""
    best, least_load = -1, 0
    for number in range(len(w.replicas)):
        replica = w.replicas[number]
        load = replica.sent_tokens if by_tokens else replica.sent
        if replica.capacity >= needed and (best < 0 or load < least_load):
            best, least_load = number, load
    return best


@inlined
def power_of_two(w: World, needed: int) -> int:
    """The better of two drawn replicas."""
    run = w.run[0]
    count = 0
    if needed <= run.least_capacity:
        count = len(w.replicas)
    else:
        for number in range(len(w.replicas)):
            count += w.replicas[number].capacity >= needed
    one = int(w.draws[run.routes, 0] * count)
    other = int(w.draws[run.routes, 1] * (count - 1))
    if other >= one and count > 1:
        other += 1
    low, high = nth(w, min(one, other), needed), nth(w, max(one, other), needed)
    return high if w.replicas[high].sent < w.replicas[low].sent else low


@inlined
def nth(w: World, place: int, needed: int) -> int:
    """The replica at this place among those that hold so many tokens."""
    if needed <= w.run[0].least_capacity:
        return place
    for number in range(len(w.replicas)):
        if w.replicas[number].capacity >= needed:
            if place == 0:
                return number
            place -= 1
    return -1
