"""What both ways of batching share: logging, resting, and ending a stretch sooner."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.cost import boundary_after, cost_of, decode_seconds
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.simulation.compiled.order import play, value_of
from driftsched.simulation.compiled.state import KernelState


@inlined
def log(w: KernelState, number: int, now: float, running: int, kv: int) -> None:
    """Note the course of a replica; the kernel has made sure that there is room."""
    run = w.run[0]
    entry = w.log[run.logged]
    entry.time_s = now
    entry.running = running
    entry.kv = kv
    entry.grown = w.replicas[number].grown
    entry.replica = number
    run.logged += 1


@inlined
def rest(w: KernelState, number: int, now: float) -> None:
    """Wait, empty, until something arrives."""
    w.replicas[number].busy = False
    play(w.wake, number, inf)
    log(w, number, now, 0, 0)
    w.replicas[number].grown = 0


@inlined
def _cut(w: KernelState, number: int, time_s: float) -> None:
    """End the stretch at its first boundary from `time_s` on."""
    replica = w.replicas[number]
    start, decoding, kv = replica.start_s, replica.decoding, replica.kv
    cost = cost_of(w.costs, replica.cost)
    steps = boundary_after(cost, start, time_s, decoding, kv)
    seconds = decode_seconds(cost, steps, decoding, kv)
    replica.steps, replica.open = steps, False
    play(w.wake, number, start + seconds)


@once
def cut_short(w: KernelState, number: int, now: float) -> None:
    """End the stretch under way at its first boundary from `now` on."""
    replica = w.replicas[number]
    if replica.busy and replica.steps > 1 and now < value_of(w.wake, number):
        _cut(w, number, now)


@inlined
def notify(w: KernelState, number: int, now: float) -> None:
    """Tell a replica that a request may have come within its reach.

    An empty one wakes; a stretch with room is cut.
    """
    replica = w.replicas[number]
    if not replica.busy:
        play(w.wake, number, now)
    elif replica.open and now < value_of(w.wake, number):
        _cut(w, number, now)


@apart
def tell_peers(w: KernelState, number: int, now: float) -> None:
    """Where a tenant's place can be another replica's to fill, tell the others that it is free."""
    if w.run[0].peers and w.run[0].waiting > 0:
        for peer in range(len(w.replicas)):
            if peer != number:
                notify(w, peer, now)
