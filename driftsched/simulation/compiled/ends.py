"""How the requests of a run went, read off the kernel's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.gateway.admission import (
    NO_ROOM,
    RATE_FULL,
    TOO_LONG,
    WAITING_FULL,
    no_room,
    rate_full,
    too_long,
    waiting_full,
)
from driftsched.gateway.patience import HANGS_UP, no_first_token, not_finished
from driftsched.results.outcomes import Outcomes, Words
from driftsched.results.tables import STATUSES
from driftsched.simulation.compiled.fill import read_requests
from driftsched.simulation.compiled.state import (
    HUNG_UP,
    NO_FIRST_TOKEN,
    NOT_FINISHED,
    KernelState,
)

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = ["read_ends"]

ENDS = {
    0: "finished",
    TOO_LONG: "rejected",
    NO_ROOM: "rejected",
    WAITING_FULL: "rejected",
    RATE_FULL: "rejected",
    NO_FIRST_TOKEN: "timed_out",
    HUNG_UP: "cancelled",
    NOT_FINISHED: "timed_out",
}
"""Code of an end in the kernel → status."""

Ints = NDArray[Any]


def read_ends(scenario: Scenario, workload: Workload, world: KernelState) -> Outcomes:
    """Columns of all requests, after the run; the workload has a row for each."""
    n = len(workload)
    dispatch_s, first_token_s, finish_s = np.empty(n), np.empty(n), np.empty(n)
    preemptions, replica = np.empty(n, np.int32), np.empty(n, np.int32)
    batch_id, end = np.empty(n, np.int64), np.empty(n, np.int8)
    read_requests(
        world.requests[:n], dispatch_s, first_token_s, finish_s, preemptions, replica, batch_id, end
    )
    statuses = np.array([STATUSES.index(ENDS[code]) for code in range(len(ENDS))], np.int8)
    return Outcomes(
        arrival_s=world.arrival_s[:n],
        dispatch_s=dispatch_s,
        first_token_s=first_token_s,
        finish_s=finish_s,
        bias=world.bias[:n],
        estimated_output_tokens=world.estimate[:n],
        preemptions=preemptions,
        replica=replica,
        batch_id=batch_id,
        status=Words(statuses[end], STATUSES),
        reason=_reasons(scenario, workload, world, end),
    )


def _reasons(scenario: Scenario, workload: Workload, world: KernelState, end: Ints) -> Words:
    """Put the bad ends into the gateway's and the clients' words, numbered by first use."""
    codes = np.zeros(len(end), np.int32)
    bad = np.flatnonzero(end)
    # One that ends well has no reason: that is the first word, or comes after bad ones.
    good = len(bad) < len(codes)
    first_good = int(np.argmin(end != 0)) if good else len(codes)
    names: dict[str, int] = {"": 0} if first_good == 0 else {}
    needed = workload.prompt_tokens[bad] + workload.max_output_tokens[bad]
    detail = np.where(end[bad] == NO_ROOM, needed, workload.tenant[bad])
    detail = np.where(end[bad] == TOO_LONG, workload.prompt_tokens[bad], detail)
    kinds, firsts, which = np.unique(
        detail * len(ENDS) + end[bad], return_index=True, return_inverse=True
    )
    numbers = np.zeros(len(kinds), np.int32)
    for kind in np.argsort(firsts).tolist():
        item = int(bad[firsts[kind]])
        if item > first_good:
            names.setdefault("", len(names))
        word = _reason(scenario, workload, world, item, int(end[item]))
        numbers[kind] = names.setdefault(word, len(names))
    codes[bad] = numbers[which]
    if good:
        codes[end == 0] = names.setdefault("", len(names))
    return Words(codes, tuple(names))


def _reason(scenario: Scenario, workload: Workload, world: KernelState, item: int, end: int) -> str:
    if end == TOO_LONG:
        return too_long(int(workload.prompt_tokens[item]), scenario.cluster.context_tokens)
    if end == NO_ROOM:
        needed = int(workload.prompt_tokens[item]) + int(workload.max_output_tokens[item])
        return no_room(needed, int(world.run["capacity"][0]))
    tenant = scenario.tenants[workload.tenant[item]]
    if end == NO_FIRST_TOKEN:
        return no_first_token(tenant.patience)
    if end == NOT_FINISHED:
        return not_finished(tenant.patience)
    if end == HUNG_UP:
        return HANGS_UP
    return waiting_full(tenant.limits) if end == WAITING_FULL else rate_full(tenant.limits)
