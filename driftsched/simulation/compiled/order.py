"""A tournament: who of some numbered players has the least value."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import inlined

NODE = np.dtype([("value", "f8"), ("winner", "i8")])


def tournament(players: int, value: float = inf) -> NDArray[Any]:
    """All players with the same value.

    ``nodes[1]`` says who has the least value, ``nodes[i]`` who of those below ``2i`` and
    ``2i + 1``; the players themselves follow the inner nodes.
    """
    places = 1 << (players - 1).bit_length()
    nodes = np.zeros(2 * places, NODE)
    nodes["winner"][places:] = np.arange(places)
    nodes["value"] = inf
    nodes["value"][places : places + players] = value
    for place in range(places - 1, 0, -1):
        nodes[place] = nodes[2 * place]
    return nodes


@inlined
def value_of(nodes: NDArray[Any], number: int) -> float:
    """A player's value."""
    return float(nodes[(len(nodes) >> 1) + number].value)


@inlined
def play(nodes: NDArray[Any], number: int, value: float) -> None:
    """Give a player another value; of several with the least one the lowest number wins."""
    place = (len(nodes) >> 1) + number
    nodes[place].value = value
    while place > 1:
        place >>= 1
        left, right = nodes[2 * place], nodes[2 * place + 1]
        nodes[place] = right if right.value < left.value else left
