"""What both ways of batching share: taking requests, logging, resting."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.gateway import choose
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.order import wake_at
from driftsched.simulation.compiled.world import World

__all__ = ["log", "rest", "take"]


@inlined
def log(w: World, number: int, now: float, running: int, kv: int) -> None:
    """Note the course of a replica; the kernel has made sure that there is room."""
    run = w.run[0]
    row = run.logged
    w.log_time_s[row] = now
    w.log_running[row] = running
    w.log_kv[row] = kv
    w.log_replica[row] = number
    run.logged = row + 1


@inlined
def rest(w: World, number: int, now: float) -> None:
    """Wait, empty, until something arrives."""
    w.replicas[number].busy = False
    wake_at(w, number, inf)
    log(w, number, now, 0, 0)


@inlined
def take(w: World, number: int, running: int, now: float) -> int:
    """Dispatch as many requests as have room beside `running` others.

    They are put behind the replica's joining ones; returns how many. A chosen request whose KV
    cache does not fit yet waits at the head until it does.
    """
    replica, run = w.replicas[number], w.run[0]
    line, taken = replica.line, 0
    while running + taken < run.batch_size:
        item = replica.stalled
        if item < 0:
            if w.lines[line].waiting == 0:
                break
            item = choose(w, line)
            if item < 0:
                break
        replica.stalled = -1
        request = w.requests[item]
        needed = request.prompt_tokens + request.max_output_tokens
        if replica.reserved + needed > replica.capacity:
            replica.stalled = item
            break
        replica.reserved += needed
        request.dispatch_s = now
        request.batch_id = replica.batches
        request.replica = number
        w.joining[number, replica.joining] = item
        replica.joining += 1
        taken += 1
    return taken
