"""Which replica wakes next: a tournament over their times."""

from __future__ import annotations

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.world import World

__all__ = ["wake_at"]


@inlined
def wake_at(w: World, number: int, time_s: float) -> None:
    """Let a replica wake at `time_s`; of several at one instant the lowest number comes first.

    ``winners[1]`` is the number of the next one, ``winners[i]`` the winner of ``2i`` and
    ``2i + 1``; the replicas themselves follow the inner places.
    """
    w.wake_s[number] = time_s
    place = (len(w.winners) >> 1) + number
    while place > 1:
        place >>= 1
        left, right = w.winners[2 * place], w.winners[2 * place + 1]
        w.winners[place] = right if w.wake_s[right] < w.wake_s[left] else left
