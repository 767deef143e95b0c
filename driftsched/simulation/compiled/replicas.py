"""What both ways of batching share: logging and resting."""

from __future__ import annotations

from math import inf

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.order import wake_at
from driftsched.simulation.compiled.world import World

__all__ = ["log", "rest"]


@inlined
def log(w: World, number: int, now: float, running: int, kv: int) -> None:
    """Note the course of a replica; the kernel has made sure that there is room."""
    run = w.run[0]
    row = run.logged
    w.log_time_s[row] = now
    w.log_running[row] = running
    w.log_kv[row] = kv
    if len(w.replicas) > 1:
        w.log_replica[row] = number
    run.logged = row + 1


@inlined
def rest(w: World, number: int, now: float) -> None:
    """Wait, empty, until something arrives."""
    w.replicas[number].busy = False
    wake_at(w, number, inf)
    log(w, number, now, 0, 0)
