"""Clients who try again: requests are made as the run goes; see `simulation.clients.Clients`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.chance import uniform
from driftsched.simulation.compiled.compensators import FORESEEN
from driftsched.simulation.compiled.heap import pop, push
from driftsched.simulation.compiled.jit import apart
from driftsched.simulation.compiled.world import HEAP, World

__all__ = ["make", "try_again"]


@apart
def make(w: World) -> int:
    """Make the next request, which arrives now, and return its id; a first try comes first."""
    run = w.run[0]
    item, former, attempt = run.made, -1, 1
    now = w.arrival_s[run.cursor] if run.cursor < run.stop else inf
    if run.retry_s < now:
        now, former = run.retry_s, pop(w.retry_s, w.retry_ids, 0, run.retries)
        run.retries -= 1
        run.retry_s = w.retry_s[0] if run.retries > 0 else inf
        row, attempt = int(w.rows[former]), w.requests[former].attempt + 1
    else:
        row = run.cursor - run.planned
        run.cursor += 1
    run.made += 1
    copy(w, run.planned + row, item, now)
    w.requests[item].attempt = attempt
    w.rows[item], w.retry_of[item] = row, former
    return int(item)


@apart
def copy(w: World, plan: int, item: int, now: float) -> None:
    """Make a request that arrives at `now` of a plan."""
    run = w.run[0]
    w.requests[item] = w.requests[plan]
    w.arrival_s[item] = now
    w.prior_tokens[item], w.counted_prompt[item] = w.prior_tokens[plan], w.counted_prompt[plan]
    if run.choice == HEAP:
        w.keys[item] = w.keys[plan] + run.arrival_weight * now
    if run.compensator == FORESEEN:
        w.bias[item], w.estimate[item] = w.bias[plan], w.estimate[plan]
    if len(w.patience_s) > 0:
        w.patience_s[item] = w.patience_s[plan]
    if run.prefixes:
        w.cached[item] = w.cached[plan]


@apart
def try_again(w: World, item: int, now: float) -> None:
    """Set the next try of a request that has ended badly, where its client makes one."""
    run, request = w.run[0], w.requests[item]
    tenant, tries = w.tenants[request.tenant], int(request.attempt)
    if tries >= tenant.attempts or not tenant.retry_after >> request.end & 1:
        return
    pause_s = w.pauses_s[request.tenant, tries - 1]
    if tenant.jitter > 0:
        row, phase = int(w.rows[item]), len(w.phase_first) - 1
        while w.phase_first[phase] > row:
            phase -= 1
        place = row - w.phase_first[phase]
        pause_s *= 1 - tenant.jitter * uniform(w.entropy, w.pool, phase, place, tries)
    push(w.retry_s, w.retry_ids, 0, run.retries, now + pause_s, item)
    run.retries += 1
    run.retry_s = w.retry_s[0]
