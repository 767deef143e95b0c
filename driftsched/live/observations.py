"""What a calibration is fitted to: stretches of time, and what was computed in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Observations", "Part", "Row"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Iterations of one kind inside an observation.

    Attributes
    ----------
    iterations : int
        How many.
    tokens, requests, prompts : int
        In each of them: tokens computed, requests, prompts that begin.
    """

    iterations: int
    tokens: int
    requests: int
    prompts: int = 0


Row = tuple[float, float, float, float, list[Part]]
"""start_s, seconds, kv_tokens, squares, parts of one observation."""


@dataclass(frozen=True)
class Observations:
    """Stretches of time and what was computed in them; shapes (n,), parts (m,).

    Attributes
    ----------
    start_s, seconds : float arrays
        When each began, and how long it lasted.
    kv_tokens, squares : float arrays
        Tokens of KV cache read, and squared prompt lengths, summed over its iterations.
    owner, iterations, tokens, requests, prompts : int arrays
        Parts: the observation each belongs to, and its `Part`.
    handover_iterations : float
        Iterations that an engine at work makes from a request's dispatch to the one that takes it;
        0 in the simulator, 1 where a request that ends is replaced from outside. NaN is unknown.
    """

    start_s: Floats
    seconds: Floats
    kv_tokens: Floats
    squares: Floats
    owner: Ints
    iterations: Ints
    tokens: Ints
    requests: Ints
    prompts: Ints
    handover_iterations: float = float("nan")

    def __len__(self) -> int:
        return len(self.seconds)

    @classmethod
    def build(
        cls,
        rows: list[Row],
        handover_iterations: float = float("nan"),
    ) -> Self:
        """Build from rows."""
        table = np.array([row[:4] for row in rows], dtype=np.float64).reshape(-1, 4)
        parts = [
            (owner, part.iterations, part.tokens, part.requests, part.prompts)
            for owner, row in enumerate(rows)
            for part in row[4]
        ]
        columns = np.array(parts, dtype=np.int64).reshape(-1, 5).T
        start, seconds, kv, squares = table.T
        owner, iterations, tokens, requests, prompts = columns
        return cls(
            start_s=start,
            seconds=seconds,
            kv_tokens=kv,
            squares=squares,
            owner=owner,
            iterations=iterations,
            tokens=tokens,
            requests=requests,
            prompts=prompts,
            handover_iterations=handover_iterations,
        )

    def joined(self, other: Observations) -> Observations:
        """These and another's, those of another replica or run."""
        known = [
            (one.handover_iterations, len(one))
            for one in (self, other)
            if np.isfinite(one.handover_iterations)
        ]
        values, weights = zip(*known, strict=True) if known else ((np.nan,), (1,))
        names = (
            *("start_s", "seconds", "kv_tokens", "squares"),
            *("iterations", "tokens", "requests", "prompts"),
        )
        columns = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names
        }
        return Observations(
            **columns,
            owner=np.concatenate([self.owner, other.owner + len(self)]),
            handover_iterations=float(np.average(values, weights=weights)),
        )
