"""The kernel: arrivals and replicas in order of time."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.continuous import plan, settle
from driftsched.simulation.compiled.gang import form, settle_gang
from driftsched.simulation.compiled.gateway import submit
from driftsched.simulation.compiled.jit import kernel, once
from driftsched.simulation.compiled.patience import expect, lapse
from driftsched.simulation.compiled.replicas import notify
from driftsched.simulation.compiled.retries import make, react
from driftsched.simulation.compiled.state import GANG, KernelState

IDLE, LOG_FULL, PAUSED, COUNTED = 0, 1, 2, 3
"""Why the kernel came back: nothing left to do, no room for the log, an arrival to pause at, or the
last request of a phase that counts them."""


@kernel
def advance(w: KernelState) -> int:
    """Carry the run on until it must come back to Python; says why it does.

    At one instant arrivals come first, then clients who give up, then replicas in order of their
    numbers.
    """
    run = w.run[0]
    room = len(w.log) - 2 * run.batch_size - 8
    while True:
        number, wake = w.wake[1].winner, w.wake[1].value
        coming = w.arrival_s[run.cursor] if run.cursor < run.stop else inf
        coming = min(coming, run.retry_s, run.thought_s)
        if coming < inf and coming <= wake and coming <= run.due_s:
            if run.made >= run.pause_at:
                return PAUSED
            item = make(w) if run.making else _next_row(w)
            _arrive(w, item)
            if run.to_make == 0:
                run.to_make = -1
                return COUNTED
        elif wake == inf and coming == inf:
            # All have ended: what is due concerns nobody any more.
            run.due, run.due_s = 0, inf
            return IDLE
        elif run.due_s <= wake:
            lapse(w)
        elif run.logged > room:
            return LOG_FULL
        else:
            run.now = wake
            _wake_up(w, number, wake)


@once
def _next_row(w: KernelState) -> int:
    """The next row of the workload, whose number is the request's id where nobody tries again."""
    run = w.run[0]
    run.cursor += 1
    run.made += 1
    return int(run.cursor - 1)


@once
def _arrive(w: KernelState, item: int) -> None:
    """Submit a request and tell those in whose reach it is: all, where they share a queue."""
    run, now = w.run[0], w.arrival_s[item]
    run.now = now
    queue = submit(w, item)
    if run.patient and queue >= 0:
        expect(w, item)
    if run.making and queue < 0:
        react(w, item, now)
    first, stop = (queue, queue + 1) if run.routed else (0, len(w.replicas))
    for number in range(max(0, first), stop):
        notify(w, number, now)


@once
def _wake_up(w: KernelState, number: int, now: float) -> None:
    """Let a replica settle what has ended and plan what comes."""
    replica = w.replicas[number]
    if w.run[0].mode == GANG:
        if replica.busy:
            settle_gang(w, number, now)
        if not replica.busy:
            form(w, number, now)
    else:
        if replica.busy:
            settle(w, number, now)
        plan(w, number, now)
