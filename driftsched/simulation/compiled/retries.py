"""Requests made as the run goes: retries, and users in closed loops; see `Clients`."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.chance import uniform
from driftsched.simulation.compiled.jit import apart, inlined
from driftsched.simulation.compiled.order import pop, push
from driftsched.simulation.compiled.state import KernelState


@apart
def make(w: KernelState) -> int:
    """Make the next request, which arrives now, and return its id; a first try comes first."""
    run = w.run[0]
    item, former, attempt = run.made, -1, 1
    row = run.cursor - run.planned
    now = w.arrival_s[run.cursor] if run.cursor < run.stop else inf
    if run.retry_s < min(now, run.thought_s):
        now, former = run.retry_s, pop(w.retries, run.retries)
        run.retries -= 1
        run.retry_s = w.retries[0].key if run.retries > 0 else inf
        row, attempt = int(w.made[former].row), w.requests[former].attempt + 1
    else:
        if run.thought_s < now or (run.thought_s == now and w.thoughts[0].item < row):
            now, row = run.thought_s, pop(w.thoughts, run.thoughts)
            run.thoughts -= 1
            run.thought_s = w.thoughts[0].key if run.thoughts > 0 else inf
        else:
            run.cursor = run.planned + (w.loops[row + 1].next_open if run.closed else row + 1)
        run.to_make -= row >= run.count_from
    run.made += 1
    _copy(w, run.planned + row, item, now)
    w.requests[item].attempt = attempt
    w.made[item].row, w.made[item].former = row, former
    return int(item)


@apart
def _copy(w: KernelState, plan: int, item: int, now: float) -> None:
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
        row = int(w.made[item].row)
        phase = _phase_of(w, row)
        place = row - w.phases[phase].first
        pause_s *= 1 - tenant.jitter * uniform(w.entropy, w.pool, phase, place, tries)
    push(w.retries, run.retries, now + pause_s, item)
    run.retries += 1
    run.retry_s = w.retries[0].key


@apart
def think_on(w: KernelState, item: int, now: float) -> None:
    """Let the user of a request that has ended think, and ask unless the phase is over by then."""
    run, row = w.run[0], int(w.loops[w.made[item].row].following)
    if row < 0:
        return
    time_s = now + w.loops[row].think_s
    if time_s <= w.phases[_phase_of(w, row)].last_s:
        push(w.thoughts, run.thoughts, time_s, row)
        run.thoughts += 1
        run.thought_s = w.thoughts[0].key


@inlined
def _phase_of(w: KernelState, row: int) -> int:
    """Number of a row's phase."""
    phase = len(w.phases) - 1
    while w.phases[phase].first > row:
        phase -= 1
    return phase
