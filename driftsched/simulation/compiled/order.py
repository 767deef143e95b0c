"""A tournament: who of some numbered players has the least value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.state import KernelState

__all__ = ["places_for", "play", "tournament", "wake_at"]


def places_for(players: int) -> int:
    """Places of a tournament: a power of two."""
    return 1 << (players - 1).bit_length()


def tournament(places: int) -> NDArray[np.int64]:
    """Winners while all values are the same: the lowest number below each place.

    ``winners[1]`` is who has the least value, ``winners[i]`` the winner of ``2i`` and ``2i + 1``;
    the players themselves follow the inner places.
    """
    winners = np.zeros(2 * places, np.int64)
    winners[places:] = np.arange(places)
    for place in range(places - 1, 0, -1):
        winners[place] = winners[2 * place]
    return winners


@inlined
def play(values: NDArray[Any], winners: NDArray[Any], number: int, value: float) -> None:
    """Give a player another value; of several with the least one the lowest number wins."""
    values[number] = value
    place = (len(winners) >> 1) + number
    while place > 1:
        place >>= 1
        left, right = winners[2 * place], winners[2 * place + 1]
        winners[place] = right if values[right] < values[left] else left


@inlined
def wake_at(w: KernelState, number: int, time_s: float) -> None:
    """Let a replica wake at `time_s`; of several at one instant the lowest number comes first."""
    play(w.wake_s, w.winners, number, time_s)
