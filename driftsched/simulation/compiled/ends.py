"""How the requests of a run went, read off the kernel's records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from driftsched.core.arrays import Array
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
from driftsched.results.outcomes import STATUSES, Outcomes, Words
from driftsched.scenario.model import Scenario
from driftsched.simulation.compiled.jit import kernel
from driftsched.simulation.compiled.state import (
    HUNG_UP,
    NO_FIRST_TOKEN,
    NOT_FINISHED,
    KernelState,
)
from driftsched.workload.table import Workload

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


def read_ends(scenario: Scenario, workload: Workload, world: KernelState) -> Outcomes:
    """Columns of all requests, after the run; the workload has a row for each."""
    n = len(workload)
    dispatch_s, first_token_s, finish_s = np.empty(n), np.empty(n), np.empty(n)
    preemptions, replica = np.empty(n, np.int32), np.empty(n, np.int32)
    batch_id, end = np.empty(n, np.int64), np.empty(n, np.int8)
    _read_requests(
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


@kernel
def _read_requests(
    requests: Array,
    dispatch_s: Array,
    first_token_s: Array,
    finish_s: Array,
    preemptions: Array,
    replica: Array,
    batch_id: Array,
    end: Array,
) -> None:
    """Copy what the run wrote into columns."""
    for item in range(len(requests)):
        request = requests[item]
        dispatch_s[item] = request.dispatch_s
        first_token_s[item] = request.first_token_s
        finish_s[item] = request.finish_s
        preemptions[item] = request.preemptions
        replica[item] = request.replica
        batch_id[item] = request.batch_id
        end[item] = request.end


def _reasons(scenario: Scenario, workload: Workload, world: KernelState, end: Array) -> Words:
    """Put the bad ends into the gateway's and the clients' words, numbered by first use."""
    if not end.any():
        return Words(np.zeros(len(end), np.int32), ("",)[: len(end)])
    needed = workload.prompt_tokens + workload.max_output_tokens
    detail = np.where(end == NO_ROOM, needed, workload.tenant)
    detail = np.where(end == TOO_LONG, workload.prompt_tokens, detail)
    codes, kinds = pd.factorize(np.where(end > 0, detail * len(ENDS) + end, 0))
    capacity, names = int(world.run["capacity"][0]), dict[str, int]()
    words = (_reason(scenario, capacity, *divmod(int(kind), len(ENDS))) for kind in kinds)
    numbers = [names.setdefault(word, len(names)) for word in words]
    return Words(np.array(numbers, np.int32)[codes], tuple(names))


def _reason(scenario: Scenario, capacity: int, detail: int, end: int) -> str:
    """The words of an end; `detail` is the length that was too much, or else the tenant."""
    if end == 0:
        return ""
    if end == TOO_LONG:
        return too_long(detail, scenario.cluster.context_tokens)
    if end == NO_ROOM:
        return no_room(detail, capacity)
    tenant = scenario.tenants[detail]
    if end == NO_FIRST_TOKEN:
        return no_first_token(tenant.patience)
    if end == NOT_FINISHED:
        return not_finished(tenant.patience)
    if end == HUNG_UP:
        return HANGS_UP
    return waiting_full(tenant.limits) if end == WAITING_FULL else rate_full(tenant.limits)
