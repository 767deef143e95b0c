"""Requests made as the run goes: retries, and users in closed loops; see `Clients`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.chance import uniform
from driftsched.simulation.compiled.heap import pop, push
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.state import KernelState

__all__ = ["make", "react", "think_on"]


@apart
def make(w: KernelState) -> int:
    """Make the next request, which arrives now, and return its id; a first try comes first."""
    run = w.run[0]
    item, former, attempt = run.made, -1, 1
    row = run.cursor - run.planned
    now = w.arrival_s[run.cursor] if run.cursor < run.stop else inf
    if run.retry_s < min(now, run.thought_s):
        now, former = run.retry_s, pop(w.retry_s, w.retry_ids, 0, run.retries)
        run.retries -= 1
        run.retry_s = w.retry_s[0] if run.retries > 0 else inf
        row, attempt = int(w.rows[former]), w.requests[former].attempt + 1
    else:
        if run.thought_s < now or (run.thought_s == now and w.thought_rows[0] < row):
            now, row = run.thought_s, pop(w.thought_s, w.thought_rows, 0, run.thoughts)
            run.thoughts -= 1
            run.thought_s = w.thought_s[0] if run.thoughts > 0 else inf
        else:
            run.cursor = run.planned + (w.next_open[row + 1] if run.closed else row + 1)
        run.to_make -= row >= run.count_from
    run.made += 1
    copy(w, run.planned + row, item, now)
    w.requests[item].attempt = attempt
    w.rows[item], w.retry_of[item] = row, former
    return int(item)


@apart
def copy(w: KernelState, plan: int, item: int, now: float) -> None:
    """Make a request that arrives at `now` of a plan."""
    run = w.run[0]
    w.requests[item] = w.requests[plan]
    w.arrival_s[item] = now
    w.uncorrected_estimate[item], w.prompt_length[item] = (
        w.uncorrected_estimate[plan],
        w.prompt_length[plan],
    )
    if len(w.patience_s) > 0:
        w.patience_s[item] = w.patience_s[plan]
    if run.prefixes:
        w.cached[item] = w.cached[plan]


@apart
def react(w: KernelState, item: int, now: float) -> None:
    """After a bad end, set the next try, or let the user think about the next request."""
    run, request = w.run[0], w.requests[item]
    tenant, tries = w.tenants[request.tenant], int(request.attempt)
    if tries >= tenant.attempts or not tenant.retry_after >> request.end & 1:
        if run.closed:
            think_on(w, item, now)
        return
    pause_s = w.pauses_s[request.tenant, tries - 1]
    if tenant.jitter > 0:
        row = int(w.rows[item])
        phase = phase_of(w, row)
        place = row - w.phase_first[phase]
        pause_s *= 1 - tenant.jitter * uniform(w.entropy, w.pool, phase, place, tries)
    push(w.retry_s, w.retry_ids, 0, run.retries, now + pause_s, item)
    run.retries += 1
    run.retry_s = w.retry_s[0]


@apart
def think_on(w: KernelState, item: int, now: float) -> None:
    """Let the user of a request that has ended think, and ask unless the phase is over by then."""
    run, row = w.run[0], int(w.following[w.rows[item]])
    if row < 0:
        return
    time_s = now + w.think_s[row]
    if time_s <= w.phase_last_s[phase_of(w, row)]:
        push(w.thought_s, w.thought_rows, 0, run.thoughts, time_s, row)
        run.thoughts += 1
        run.thought_s = w.thought_s[0]


@inlined
def phase_of(w: KernelState, row: int) -> int:
    """Number of a row's phase."""
    phase = len(w.phase_first) - 1
    while w.phase_first[phase] > row:
        phase -= 1
    return phase
