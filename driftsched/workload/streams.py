"""Random streams of a workload: one a component and phase, so that runs share their draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator, SeedSequence

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import ScenarioError

COMPONENTS = (
    "arrivals",
    "tenants",
    "categories",
    "prompts",
    "prompt_lengths",
    "output_lengths",
    "words_per_token",
    "tenant_arrivals",
    "think",
    "patience",
    "drift",
    "trace_sample",
    "retries",
    "predictor",
    "prefix_homes",
)
"""What is drawn; a new component goes to the end, so that the others keep their draws."""


class Streams:
    """Independent seeded generators, one for each component of each phase; the seed is 0 or more.

    Changing a setting of one component, or a phase after this one, leaves all other draws the same
    (common random numbers).

    Raises
    ------
    ScenarioError
        The seed is negative.
    """

    def __init__(self, seed: int, phases: int) -> None:
        if seed < 0:
            raise ScenarioError(f"seed must be >= 0, got {seed}")
        self._seed = seed
        self._phases = phases

    def get(self, component: str, phase: int, *parts: int) -> Generator:
        """Return a generator at the start of its stream; each call gives a fresh one.

        `parts` split a component of a phase further, such as by tenant.

        Raises
        ------
        IndexError
            When there is no such phase.
        """
        if not 0 <= phase < self._phases:
            raise IndexError(f"phase must be from 0 to {self._phases - 1}, got {phase}")
        key = (COMPONENTS.index(component), phase, *parts)
        return np.random.default_rng(SeedSequence(self._seed, spawn_key=key))


def pick_by_share(uniform: Floats, shares: Sequence[float]) -> Ints:
    """Turn uniform draws in [0, 1) into positions of `shares`, which are normalised; shape (n,).

    Examples
    --------
    >>> pick_by_share(np.array([0.1, 0.6]), [1, 0, 1]).tolist()
    [0, 2]
    """
    cumulative = np.cumsum(np.asarray(shares, dtype=np.float64))
    # Rounding may leave the last bound a hair under 1 or over it; no draw is past the last share.
    bounds = cumulative[:-1] / cumulative[-1]
    return np.searchsorted(bounds, uniform, side="right").astype(np.int64)
