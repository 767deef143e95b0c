"""A scenario and its workload → the arrays that the kernel runs on."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
from numpy.random import SeedSequence

from driftsched.core.arrays import Array
from driftsched.estimation.compensators import COMPENSATORS, CompensatorSpec
from driftsched.estimation.detectors import DETECTORS
from driftsched.gateway.admission import TenantGate
from driftsched.scenario.model import Scenario
from driftsched.scheduling.policies import POLICIES, PlannedPolicy, ScorePolicy, TenantPolicy
from driftsched.scheduling.routers import ROUTERS
from driftsched.scheduling.routers.base import STREAM
from driftsched.simulation.compiled.fields import (
    compensation,
    detection,
    fill,
    parameters_of,
)
from driftsched.simulation.compiled.fleet import pack_fleet, routed
from driftsched.simulation.compiled.jit import kernel
from driftsched.simulation.compiled.mechanisms import number_of
from driftsched.simulation.compiled.order import ENTRY
from driftsched.simulation.compiled.state import (
    BY_TENANT,
    CACHED,
    CHANCE,
    CONTINUOUS,
    GANG,
    LEARNED,
    LOG,
    PLANNED,
    QUEUE,
    REQUEST,
    RESCORED,
    RUN,
    SCORED,
    SEAT,
    SERVER,
    TENANT,
    TENANT_QUEUE,
    KernelState,
)
from driftsched.simulation.compiled.tries import Room
from driftsched.workload.budgets import Budgets
from driftsched.workload.requests import cached_tokens
from driftsched.workload.table import Workload

LOG_ROWS = 1 << 16
MOST_TOKENS = 1 << 62


def pack(scenario: Scenario, workload: Workload, budgets: Budgets) -> KernelState:
    """Build the state of a run that has not begun; no request has arrived."""
    room = Room.of(scenario, workload)
    n, fleet = room.most, pack_fleet(scenario, room.most)
    queues, batch = len(fleet["replicas"]) if routed(scenario) else 1, fleet["decoding"].shape[1]
    run = _run(scenario, fleet["replicas"]["capacity"], batch)
    run["prefixes"] |= workload.cached_tokens is not None
    drawn_s, run["patient"] = _patience(scenario, workload)
    tenants = _tenants(scenario)
    room.settle(run, tenants)
    rows = room.planned + len(workload)
    estimate = np.zeros(rows, np.int64)
    return KernelState(
        run=run,
        tenants=tenants,
        **fleet,
        draws=_draws(scenario, n if routed(scenario) else 0),
        requests=_requests(room, budgets),
        arrival_s=room.behind(workload.arrival_s.copy()),
        uncorrected_estimate=room.behind(budgets.uncorrected_estimate),
        prompt_length=room.behind(budgets.prompt_length),
        bias=np.ones(rows),
        estimate=estimate,
        mean_estimate=np.zeros(rows, np.int64) if run["means"][0] else estimate,
        patience_s=room.behind(drawn_s) if len(drawn_s) else drawn_s,
        **room.arrays(),
        deadlines=np.empty(n if run["patient"][0] else 0, ENTRY),
        **_waiting(room, queues, int(run["choice"][0])),
        seats=np.zeros(n if run["resumes"][0] else 0, SEAT),
        ahead=np.empty(batch + 1, ENTRY),
        cached=_cached(room) if run["prefixes"][0] else np.zeros(0, CACHED),
        learned=np.empty(n, LEARNED),
        **_mechanisms(scenario),
        log=np.empty(max(LOG_ROWS, 4 * batch + 16), LOG),
    )


def _run(scenario: Scenario, capacities: Array, batch: int) -> Array:
    run, engine = np.zeros(1, RUN), scenario.engine
    run["mode"] = CONTINUOUS if engine.mode == "continuous" else GANG
    run["batch_size"], run["batch_wait_s"] = batch, engine.batch_wait_s
    run["least_capacity"] = capacities.min()
    run["context"] = scenario.cluster.context_tokens
    # Any replica may draw a request from the central queue; a router chooses one that holds it.
    run["capacity"] = capacities.max() if routed(scenario) else capacities.min()
    limits = [tenant.limits for tenant in scenario.tenants]
    run["limited"] = any((x.waiting, x.rate_rps, x.running) != (None, None, None) for x in limits)
    run["routed"], run["last_route"] = routed(scenario), -1
    run["most_tokens"] = engine.max_num_batched_tokens or MOST_TOKENS
    run["chunked"], run["block_tokens"] = engine.chunked_prefill, engine.block_tokens
    run["paged"], run["by_rank"] = engine.kv == "paged", engine.preempt == "lowest_rank"
    run["looks_ahead"] = engine.admit == "past_future"
    run["prefixes"] = any(tenant.prefix_hit_rate for tenant in scenario.tenants)
    run["due_s"] = inf
    policy, compensator = scenario.policy, scenario.estimator.compensator
    if isinstance(policy, TenantPolicy):
        run["choice"], run["counts_tokens"] = BY_TENANT, policy.by_tokens
        run["rescored"] = policy.rescored
        run["policy"] = number_of(policy, POLICIES, TenantPolicy)
    elif isinstance(policy, ScorePolicy):
        run["choice"] = RESCORED if policy.rescored else SCORED
        run["preempts"] = policy.preempts and engine.mode == "continuous"
        run["policy"] = number_of(policy, POLICIES, ScorePolicy)
    elif isinstance(policy, PlannedPolicy):
        run["choice"] = PLANNED
        run["policy"] = number_of(policy, POLICIES, PlannedPolicy)
    run["resumes"] = run["paged"] | run["preempts"]
    run["peers"] = len(capacities) > 1 and (run["preempts"] | any(x.running for x in limits))
    run["router"] = number_of(scenario.cluster.router, ROUTERS)
    run["compensator"] = number_of(compensator, COMPENSATORS)
    run["detector"] = number_of(scenario.estimator.detector, DETECTORS)
    run["watched"] = scenario.estimator.detector.kind != "none"
    run["every_tokens"], run["kept"] = scenario.estimator.predictor.refinement
    run["censoring"] = scenario.estimator.censoring
    if routed(scenario) or policy.reads_mean:
        run["means"] = compensator.predict_mean is not CompensatorSpec.predict_mean
    run["categories"] = len(scenario.categories)
    return run


def _mechanisms(scenario: Scenario) -> dict[str, Any]:
    """Parameters of the mechanisms, and the states of compensator and detector."""
    compensator, detector = scenario.estimator.compensator, scenario.estimator.detector
    specs = scenario.policy, compensator, detector, scenario.cluster.router
    categories, tenants = len(scenario.categories), len(scenario.tenants)
    states = compensation(compensator.state, categories, tenants)
    return {
        "parameters": np.concatenate([parameters_of(spec) for spec in specs]),
        "compensation": states,
        "detection": detection(detector.state, categories),
        "server": np.array([tuple(scenario.server())], SERVER),
    }


def _draws(scenario: Scenario, requests: int) -> Array:
    """Uniform draws of a whole run, two a request routed; none where the router draws none."""
    rng = np.random.default_rng(SeedSequence(scenario.seed, spawn_key=(STREAM,)))
    return rng.random((requests if scenario.cluster.router.random else 0, 2))


def _waiting(room: Room, queues: int, choice: int) -> dict[str, Any]:
    """Queues that no request has come to."""
    n, tenants, by_tenant = room.most, len(room.attempts), choice == BY_TENANT
    held = n if any(tenant.limits.running for tenant in room.scenario.tenants) else 0
    whole = np.zeros(queues, QUEUE)
    mine = np.zeros((queues, tenants), TENANT_QUEUE)
    counts = np.bincount(room.workload.tenant, minlength=tenants) * room.attempts
    mine["held_first"] = np.concatenate([[0], np.cumsum(counts)[:-1]])
    policy = room.scenario.policy
    if isinstance(policy, TenantPolicy):
        records, record = policy.records(room.scenario.tenants)
        fill(whole, vars(record))
        for number, own in enumerate(records):
            fill(mine[:, number], vars(own))
    return {
        "queues": whole,
        "tenant_queues": mine,
        "heaps": np.empty((queues, 0 if by_tenant else n), ENTRY),
        "held": np.empty((queues, held), ENTRY),
        "behind": np.empty(n if by_tenant else 0, np.int32),
        "listed": np.empty((queues, tenants), ENTRY),
        "plans": np.empty((3, n if choice == PLANNED else 0), ENTRY),
        "chances": np.empty(n if choice == PLANNED else 0, CHANCE),
    }


def _patience(scenario: Scenario, workload: Workload) -> tuple[Array, bool]:
    """Patience as drawn, where it is, and whether any client ever gives up."""
    if all(tenant.patience.endless for tenant in scenario.tenants):
        return np.empty(0), False
    return np.empty(0) if workload.patience_s is None else workload.patience_s, True


def _tenants(scenario: Scenario) -> Array:
    tenants = np.zeros(len(scenario.tenants), TENANT)
    for row, tenant in zip(tenants, scenario.tenants, strict=True):
        gate = TenantGate(tenant.limits)
        for name in ("waiting_limit", "running_limit", "rate_rps", "burst", "credit"):
            row[name] = getattr(gate, name)
        row["rank"], row["weight"] = tenant.rank, tenant.weight
        row["ttft_slo_s"], row["e2e_slo_s"] = tenant.within_s
        row["first_token_timeout_s"] = tenant.patience.first_token_timeout_s or inf
        row["timeout_s"] = tenant.patience.timeout_s or inf
    return tenants


def _cached(room: Room) -> Array:
    workload = room.workload
    cached = np.zeros(len(workload), CACHED)
    cached["tokens"] = cached_tokens(room.scenario, workload)
    cached["first_block"] = -1 if workload.first_block is None else workload.first_block
    return room.behind(cached)


def _requests(room: Room, budgets: Budgets) -> Array:
    workload = room.workload
    requests = np.empty(room.planned + len(workload), REQUEST)
    _fill_requests(
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


@kernel
def _fill_requests(
    requests: Array,
    prompt_tokens: Array,
    output_tokens: Array,
    max_output_tokens: Array,
    tenant: Array,
    predicted: Array,
    output_length: Array,
    base_tokens: Array,
) -> None:
    """Write the records of requests that have not arrived."""
    for item in range(len(requests)):
        request = requests[item]
        request.dispatch_s = nan
        request.first_token_s = nan
        request.finish_s = nan
        request.prompt_tokens = prompt_tokens[item]
        request.output_tokens = output_tokens[item]
        request.max_output_tokens = max_output_tokens[item]
        request.output_length = output_length[item]
        request.base_tokens = base_tokens[item]
        request.batch_id = -1
        request.tenant = tenant[item]
        request.predicted = predicted[item]
        request.preemptions = 0
        request.replica = -1
        request.end = 0
        request.place = 0
        request.late = False
        request.attempt = 1
