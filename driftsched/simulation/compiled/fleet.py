"""The cluster's replicas as arrays."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from driftsched.scenario.model import Scenario
from driftsched.serving.iteration import IterationCost
from driftsched.simulation.compiled.order import tournament
from driftsched.simulation.compiled.state import CURVE_ROW, PIECE, REPLICA, Costs
from driftsched.simulation.fleet import kv_tokens


def pack_fleet(scenario: Scenario, requests: int) -> dict[str, Any]:
    """The parts of a `KernelState` that are the replicas', empty, each to be woken at 0."""
    machines = scenario.cluster.machines
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
    if routed(scenario):
        replicas["queue"] = np.arange(count)
    return {
        "replicas": replicas,
        "wake": tournament(count, 0.0),
        "costs": _costs([machine.build_cost() for machine in kinds.values()], batch),
        "decoding": np.zeros((count, batch), np.int64),
        "gone": np.zeros((count, batch), np.int64),
        "blocked": np.zeros((count, batch + 2), np.int32),
        "pieces": np.zeros((count, batch), PIECE),
        "slots": np.zeros((count, scenario.engine.block_tokens), np.int64),
    }


def routed(scenario: Scenario) -> bool:
    """Whether a router sends requests to queues of the replicas' own."""
    return scenario.cluster.queue == "per_replica" and len(scenario.cluster.machines) > 1


def _costs(costs: list[IterationCost], batch: int) -> Costs:
    curves = [(cost.by_tokens, cost.by_kv) for cost in costs]
    rows = np.array([[len(curve.knots) for curve in pair] for pair in curves])
    records = np.zeros((len(costs), 2, int(rows.max())), CURVE_ROW)
    for kind, pair in enumerate(curves):
        for number, curve in enumerate(pair):
            own = records[kind, number, : len(curve.knots)]
            own["knot"], own["value"], own["slope"] = curve.knots, curve.values, curve.slopes
    return Costs(
        coefficients=np.array([cost.coefficients for cost in costs]),
        decode_s=np.array([[cost.decode_s[n] for n in range(batch + 1)] for cost in costs]),
        rows=rows,
        curves=records,
    )
