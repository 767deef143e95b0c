"""The draw behind a retry's pause, to the bit numpy's own, without making a generator for each.

`numpy.random.SeedSequence` and the first number of its `PCG64`, both of which numpy keeps stable
(M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
Random Number Generation", HMC-CS-2014-0905, for the generator).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from driftsched.core.arrays import Array
from driftsched.simulation.compiled.jit import apart, inlined, once
from driftsched.workload.streams import COMPONENTS

POOL = 4
"""Array of a seed sequence's pool."""

U = np.uint64
ONE, LOW = U(1), U(0xFFFFFFFF)
BITS_11, BITS_16, BITS_32, BITS_58, BITS_63, BITS_64 = U(11), U(16), U(32), U(58), U(63), U(64)
INIT_A, TIMES_A, INIT_B, TIMES_B = U(0x43B0D7E5), U(0x931E8875), U(0x8B51F9DD), U(0x58F38DED)
MIX_LEFT, MIX_RIGHT = U(0xCA01F9DD), U(0x4973F715)
PCG_HIGH, PCG_LOW = U(0x2360ED051FC65DA4), U(0x4385DF649FCCF645)


def entropy(seed: int, component: str) -> Array:
    """Array that all streams of a component begin with; see `driftsched.workload.Streams`."""
    words = [seed >> shift & 0xFFFFFFFF for shift in range(0, max(1, seed.bit_length()), 32)]
    words += [0] * (POOL - len(words))
    return np.array([*words, COMPONENTS.index(component)], np.uint64)


@apart
def uniform(words: Array, pool: Array, phase: int, place: int, tries: int) -> float:
    """First number, in [0, 1), of the stream of the component and (phase, place, tries).

    `pool` is room for `POOL` words; they are overwritten.
    """
    _absorb(words, pool, phase, place, tries)
    state_high, state_low = _squeeze(pool, 0), _squeeze(pool, 1)
    high, low = _squeeze(pool, 2), _squeeze(pool, 3)
    odd_high, odd_low = (high << ONE) | (low >> BITS_63), (low << ONE) | ONE
    high, low = _add(odd_high, odd_low, state_high, state_low)
    for _ in range(2):
        high, low = _times_pcg(high, low)
        high, low = _add(high, low, odd_high, odd_low)
    mixed, turn = high ^ low, high >> BITS_58
    turned = (mixed >> turn) | (mixed << ((BITS_64 - turn) & BITS_63))
    return float(turned >> BITS_11) * 2.0**-53


@once
def _absorb(words: Array, pool: Array, phase: int, place: int, tries: int) -> None:
    """`SeedSequence.mix_entropy`."""
    const = INIT_A
    for number in range(POOL):
        pool[number] = _hashed(words[number], const, TIMES_A)
        const = const * TIMES_A & LOW
    for source in range(POOL):
        for other in range(POOL):
            if source != other:
                stirred = _hashed(pool[source], const, TIMES_A)
                pool[other] = _stir(pool[other], stirred)
                const = const * TIMES_A & LOW
    for source in range(POOL, len(words) + 3):
        part = source - len(words)
        word = U(phase) if part == 0 else U(place) if part == 1 else U(tries)
        if part < 0:
            word = words[source]
        for other in range(POOL):
            pool[other] = _stir(pool[other], _hashed(word, const, TIMES_A))
            const = const * TIMES_A & LOW


@inlined
def _hashed(value: Any, const: Any, times: Any) -> Any:
    """One word, hashed."""
    value = (value ^ const) * (const * times & LOW) & LOW
    return value ^ (value >> BITS_16)


@inlined
def _stir(value: Any, other: Any) -> Any:
    """Two words as one."""
    value = (MIX_LEFT * value - MIX_RIGHT * other) & LOW
    return value ^ (value >> BITS_16)


@inlined
def _squeeze(pool: Array, number: int) -> Any:
    """The 64-bit word of this number of `SeedSequence.generate_state`."""
    const = INIT_B
    for _ in range(2 * number):
        const = const * TIMES_B & LOW
    low = _hashed(pool[2 * number % POOL], const, TIMES_B)
    high = _hashed(pool[(2 * number + 1) % POOL], const * TIMES_B & LOW, TIMES_B)
    return (high << BITS_32) | low


@inlined
def _add(high: Any, low: Any, more_high: Any, more_low: Any) -> Any:
    """Sum of two numbers of 128 bits."""
    total = low + more_low
    return high + more_high + (ONE if total < low else U(0)), total


@once
def _times_pcg(high: Any, low: Any) -> Any:
    """Product of a number of 128 bits and PCG's factor."""
    left, right = low >> BITS_32, low & LOW
    times_left, times_right = PCG_LOW >> BITS_32, PCG_LOW & LOW
    first = left * times_right + (right * times_right >> BITS_32)
    second = right * times_left + (first & LOW)
    carried = left * times_left + (first >> BITS_32) + (second >> BITS_32)
    return carried + high * PCG_LOW + low * PCG_HIGH, low * PCG_LOW
