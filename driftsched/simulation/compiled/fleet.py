"""The cluster's replicas as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.world import REPLICA, Costs
from driftsched.simulation.fleet import kv_tokens

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.serving.iteration import IterationCost

__all__ = ["Fleet", "pack_fleet"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Fleet:
    """The parts of a `World` that are the replicas'."""

    replicas: Array
    wake_s: Array
    winners: Array
    costs: Costs
    leaving: Array
    gone: Array
    heads: Array
    chunk: Array
    chunk_from: Array
    chunk_to: Array
    slots: Array
    routed: bool


def pack_fleet(scenario: Scenario, requests: int) -> Fleet:
    """Build the replicas, empty, each to be woken at 0."""
    cluster = scenario.cluster
    machines = cluster.machines
    count, batch = len(machines), min(scenario.engine.batch_size, requests + 1)
    kinds = {id(machine): machine for machine in machines}
    numbers = {key: number for number, key in enumerate(kinds)}
    capacities = {key: kv_tokens(scenario.engine, machine) for key, machine in kinds.items()}
    replicas = np.zeros(count, REPLICA)
    replicas["partial"] = replicas["first_seat"] = replicas["last_seat"] = -1
    replicas["deadline_s"] = inf
    replicas["capacity"] = [capacities[id(machine)] for machine in machines]
    replicas["free"] = replicas["capacity"] // scenario.engine.block_tokens
    replicas["cost"] = [numbers[id(machine)] for machine in machines]
    routed = cluster.queue == "per_replica" and count > 1
    replicas["line"] = np.arange(count) if routed else 0
    places = 1 << (count - 1).bit_length()
    wake_s = np.full(places, inf)
    wake_s[:count] = 0.0
    return Fleet(
        replicas=replicas,
        wake_s=wake_s,
        winners=_tournament(places),
        costs=_costs([machine.build_cost() for machine in kinds.values()], batch),
        leaving=np.zeros((count, batch), np.int64),
        gone=np.zeros((count, batch), np.int32),
        heads=np.zeros((count, batch + 2), np.int32),
        chunk=np.zeros((count, batch), np.int32),
        chunk_from=np.zeros((count, batch), np.int64),
        chunk_to=np.zeros((count, batch), np.int64),
        slots=np.zeros((count, scenario.engine.block_tokens), np.int64),
        routed=routed,
    )


def _tournament(places: int) -> Array:
    """Winners while all wake at once: the lowest number below each place."""
    winners = np.zeros(2 * places, np.int64)
    winners[places:] = np.arange(places)
    for place in range(places - 1, 0, -1):
        winners[place] = winners[2 * place]
    return winners


def _costs(costs: list[IterationCost], batch: int) -> Costs:
    arrays = [cost.arrays() for cost in costs]
    rows = np.array([[len(one.iteration_tokens), len(one.kv_tokens)] for one in arrays])
    shape = (len(costs), 2, int(rows.max(initial=0)))
    knots, values, slopes = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for kind, one in enumerate(arrays):
        tables = ((one.iteration_tokens, one.iteration_s), (one.kv_tokens, one.kv_s))
        for table, (tokens, seconds) in enumerate(tables):
            size = len(tokens)
            knots[kind, table, :size], values[kind, table, :size] = tokens, seconds
            if size > 1:
                slopes[kind, table, : size - 1] = np.diff(seconds) / np.diff(tokens)
                slopes[kind, table, size - 1] = slopes[kind, table, size - 2]
    decode_s = [[cost.fixed(n) + cost.request_s * n for n in range(batch + 1)] for cost in costs]
    return Costs(
        coefficients=np.array([one.coefficients for one in arrays]),
        decode_s=np.array(decode_s),
        rows=rows,
        knots=knots,
        values=values,
        slopes=slopes,
    )
