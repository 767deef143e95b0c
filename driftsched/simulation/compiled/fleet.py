"""The cluster's replicas as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.order import places_for, tournament
from driftsched.simulation.compiled.state import REPLICA, Costs
from driftsched.simulation.fleet import kv_tokens

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.serving.iteration import IterationCost

__all__ = ["Fleet", "pack_fleet"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Fleet:
    """The parts of a `KernelState` that are the replicas'."""

    replicas: Array
    wake_s: Array
    winners: Array
    costs: Costs
    decoding: Array
    gone: Array
    blocked: Array
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
    replicas["queue"] = np.arange(count) if routed else 0
    places = places_for(count)
    wake_s = np.full(places, inf)
    wake_s[:count] = 0.0
    return Fleet(
        replicas=replicas,
        wake_s=wake_s,
        winners=tournament(places),
        costs=_costs([machine.build_cost() for machine in kinds.values()], batch),
        decoding=np.zeros((count, batch), np.int64),
        gone=np.zeros((count, batch), np.int32),
        blocked=np.zeros((count, batch + 2), np.int32),
        chunk=np.zeros((count, batch), np.int32),
        chunk_from=np.zeros((count, batch), np.int64),
        chunk_to=np.zeros((count, batch), np.int64),
        slots=np.zeros((count, scenario.engine.block_tokens), np.int64),
        routed=routed,
    )


def _costs(costs: list[IterationCost], batch: int) -> Costs:
    curves = [(cost.by_tokens, cost.by_kv) for cost in costs]
    rows = np.array([[len(curve.knots) for curve in pair] for pair in curves])
    shape = (len(costs), 2, int(rows.max()))
    knots, values, slopes = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    for kind, pair in enumerate(curves):
        for number, curve in enumerate(pair):
            size = len(curve.knots)
            knots[kind, number, :size] = curve.knots
            values[kind, number, :size] = curve.values
            slopes[kind, number, :size] = curve.slopes
    return Costs(
        coefficients=np.array([cost.coefficients for cost in costs]),
        decode_s=np.array([[cost.decode_s[n] for n in range(batch + 1)] for cost in costs]),
        rows=rows,
        knots=knots,
        values=values,
        slopes=slopes,
    )
