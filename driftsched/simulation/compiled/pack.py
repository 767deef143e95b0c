"""A scenario and its workload → the arrays that the kernel runs on."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.gateway.intake import cached_tokens
from driftsched.scheduling.policies.weighted import Weighted
from driftsched.simulation.compiled.compensators import FORESEEN, NUMERIC, Numeric
from driftsched.simulation.compiled.fill import fill_requests
from driftsched.simulation.compiled.fleet import Fleet, pack_fleet
from driftsched.simulation.compiled.routers import NUMBERED, draws
from driftsched.simulation.compiled.tries import Room
from driftsched.simulation.compiled.world import (
    CONTINUOUS,
    GANG,
    HEAP,
    LINE,
    QUEUE,
    REQUEST,
    RUN,
    TENANT,
    TENANT_BITS,
    TURNS,
    World,
)

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.workload.table import Workload

__all__ = ["LOG_ROWS", "log_arrays", "pack"]

LOG_ROWS = 1 << 16
MOST_TOKENS = 1 << 62
Array = NDArray[Any]


def pack(scenario: Scenario, workload: Workload, budgets: Budgets, policy: Policy) -> World:
    """Build the state of a run that has not begun; no request has arrived.

    Parameters
    ----------
    scenario, workload, budgets : what is run
    policy : Policy
        `Weighted`, or a static one; its keys are filled in as phases open.
    """
    room = Room.of(scenario, workload)
    n, fleet = room.most, pack_fleet(scenario, room.most)
    batch, lines = fleet.leaving.shape[1], len(fleet.replicas) if fleet.routed else 1
    compensator = scenario.estimator.compensator
    numeric = NUMERIC[type(compensator)](compensator, budgets, len(scenario.categories))
    foreseen = numeric.kind == FORESEEN
    bias, estimate = map(room.behind, _estimates(numeric, budgets))
    turns = policy.cycle_turns if isinstance(policy, Weighted) else None
    held = any(tenant.limits.running for tenant in scenario.tenants)
    router = NUMBERED[type(scenario.cluster.router)]
    run = _run(scenario, fleet, numeric.kind, turns is not None)
    drawn_s, run["patient"] = _patience(scenario, workload)
    tenants = _tenants(scenario, turns)
    room.settle(run, tenants)
    return World(
        run=run,
        replicas=fleet.replicas,
        lines=_lines(turns, lines),
        tenants=tenants,
        queues=_queues(room, lines),
        wake_s=fleet.wake_s,
        winners=fleet.winners,
        costs=fleet.costs,
        draws=draws(router if fleet.routed else -1, scenario.seed, n),
        requests=_requests(room, budgets),
        arrival_s=room.behind(workload.arrival_s.copy()),
        uncorrected_estimate=room.behind(budgets.uncorrected_estimate),
        prompt_length=room.behind(budgets.prompt_length),
        keys=np.zeros(0 if turns else room.planned + len(workload)),
        bias=bias,
        estimate=estimate,
        patience_s=room.behind(drawn_s) if len(drawn_s) else drawn_s,
        **room.arrays(),
        deadline_s=np.empty(n if run["patient"][0] else 0),
        deadline_ids=np.empty(n if run["patient"][0] else 0, np.int32),
        **_waiting(room, lines, in_turns=turns is not None, held=held),
        leaving=fleet.leaving,
        gone=fleet.gone,
        heads=fleet.heads,
        chunk=fleet.chunk,
        chunk_from=fleet.chunk_from,
        chunk_to=fleet.chunk_to,
        slots=fleet.slots,
        **_blocks(n if scenario.engine.kv == "paged" else 0),
        cached=_cached(room) if run["prefixes"][0] else np.zeros(0, np.int64),
        learned_id=np.empty(n, np.int32),
        learned_bias=np.empty(0 if foreseen else n),
        compensation=numeric.state,
        parameters=numeric.parameters,
        **log_arrays(batch, len(fleet.replicas)),
    )


def log_arrays(batch: int, replicas: int, rows: int = LOG_ROWS) -> dict[str, Any]:
    """Room for the next rows of the replicas' course, by the names of `World`."""
    size = max(rows, 4 * batch + 16)
    counts = {f"log_{name}": np.empty(size, np.int32) for name in ("running", "kv", "grown")}
    owner = np.empty(size if replicas > 1 else 0, np.int16)
    return {"log_time_s": np.empty(size), "log_replica": owner, **counts}


def _run(scenario: Scenario, fleet: Fleet, compensator: int, in_turns: bool) -> Array:
    run, capacities = np.zeros(1, RUN), fleet.replicas["capacity"]
    run["mode"] = CONTINUOUS if scenario.engine.mode == "continuous" else GANG
    run["batch_size"], run["batch_wait_s"] = fleet.leaving.shape[1], scenario.engine.batch_wait_s
    run["least_capacity"] = capacities.min()
    # Any replica may draw a request from the central queue; a router chooses one that holds it.
    run["capacity"] = capacities.max() if fleet.routed else capacities.min()
    run["choice"] = TURNS if in_turns else HEAP
    run["limited"], run["routed"] = _limited(scenario), fleet.routed
    running = any(tenant.limits.running for tenant in scenario.tenants)
    run["peers"] = running and len(capacities) > 1
    engine = scenario.engine
    run["most_tokens"] = engine.max_num_batched_tokens or MOST_TOKENS
    run["chunked"], run["block_tokens"] = engine.chunked_prefill, engine.block_tokens
    run["paged"], run["by_rank"] = engine.kv == "paged", engine.preempt == "lowest_rank"
    run["prefixes"] = any(tenant.prefix_hit_rate for tenant in scenario.tenants)
    run["router"], run["last_route"] = NUMBERED[type(scenario.cluster.router)], -1
    run["compensator"], run["due_s"] = compensator, inf
    return run


def _waiting(room: Room, lines: int, *, in_turns: bool, held: bool) -> dict[str, Array]:
    """Queues that no request has come to."""
    heap, behind = (0, room.most) if in_turns else (room.most, 0)
    aside = room.most if held else 0
    words = (len(room.attempts) >> TENANT_BITS) + 1
    return {
        "heap_keys": np.empty((lines, heap)),
        "heap_ids": np.empty((lines, heap), np.int32),
        "held_keys": np.empty((lines, aside)),
        "held_ids": np.empty((lines, aside), np.int32),
        "behind": np.empty(behind, np.int32),
        "occupied": np.zeros((lines, words), np.int64),
    }


def _blocks(n: int) -> dict[str, Array]:
    """What n requests hold of a paged KV cache."""
    return {
        "seated": np.zeros(n, np.bool_),
        "base": np.zeros(n, np.int64),
        "ahead": np.empty(n, np.int32),
        "after": np.empty(n, np.int32),
        "given": np.zeros(n, np.int32),
        "served": np.zeros(n, np.int64),
    }


def _patience(scenario: Scenario, workload: Workload) -> tuple[Array, bool]:
    """Patience as drawn, where it is, and whether any client ever gives up."""
    if all(tenant.patience.endless for tenant in scenario.tenants):
        return np.empty(0), False
    return np.empty(0) if workload.patience_s is None else workload.patience_s, True


def _lines(turns: list[int] | None, count: int) -> Array:
    lines = np.zeros(count, LINE)
    lines["left"] = turns[0] if turns else 0
    return lines


def _estimates(numeric: Numeric, budgets: Budgets) -> tuple[Array, Array]:
    """Biases and estimates, where they are foreseen; else room for them."""
    n = len(budgets.uncorrected_estimate)
    bias = np.broadcast_to(np.asarray(numeric.bias, dtype=np.float64), (n,)).copy()
    estimate = np.zeros(n, np.int64)
    if numeric.kind == FORESEEN:
        estimate[:] = budgets.uncorrected_estimate * bias
    return bias, estimate


def _limited(scenario: Scenario) -> bool:
    limits = [tenant.limits for tenant in scenario.tenants]
    return any((x.waiting, x.rate_rps, x.running) != (None, None, None) for x in limits)


def _tenants(scenario: Scenario, turns: list[int] | None) -> Array:
    tenants = np.zeros(len(scenario.tenants), TENANT)
    for row, tenant in zip(tenants, scenario.tenants, strict=True):
        limits = tenant.limits
        row["waiting_limit"] = -1 if limits.waiting is None else limits.waiting
        row["running_limit"] = -1 if limits.running is None else limits.running
        row["rate_rps"] = -1.0 if limits.rate_rps is None else limits.rate_rps
        row["burst"] = row["credit"] = limits.burst
        row["first_token_timeout_s"] = tenant.patience.first_token_timeout_s or inf
        row["timeout_s"] = tenant.patience.timeout_s or inf
    if turns:
        tenants["turns"] = turns
    return tenants


def _cached(room: Room) -> Array:
    return room.behind(cached_tokens(room.scenario, room.workload))


def _queues(room: Room, lines: int) -> Array:
    tenants = len(room.attempts)
    queues = np.zeros((lines, tenants), QUEUE)
    counts = np.bincount(room.workload.tenant, minlength=tenants) * room.attempts
    queues["held_first"] = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return queues


def _requests(room: Room, budgets: Budgets) -> Array:
    workload = room.workload
    requests = np.empty(room.planned + len(workload), REQUEST)
    fill_requests(
        requests[room.planned :],
        workload.prompt_tokens,
        workload.output_tokens,
        workload.max_output_tokens,
        workload.tenant,
        budgets.predicted,
        budgets.output_length,
        budgets.base_tokens,
    )
    return requests
