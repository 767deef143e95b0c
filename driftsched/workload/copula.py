"""Prompt and answer lengths that go together: a Gaussian copula with a given rank correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from driftsched.scenario.traffic import Category
from driftsched.traffic.lengths import Length, to_tokens
from driftsched.workload.streams import MAX_LENGTH, Streams

__all__ = ["correlate"]

IntArray = NDArray[np.int64]


def correlate(
    lengths: IntArray,
    of: str,
    streams: Streams,
    phase: int,
    category: IntArray,
    categories: Sequence[Category],
) -> None:
    """Replace the lengths of categories with a length_correlation, in place.

    Two normal variables with correlation 2 sin(π ρ / 6) have the rank correlation (Spearman) ρ;
    each is turned into a length by the quantiles of its distribution. The first comes from the
    stream of prompt lengths, the second's own part from that of output lengths.

    Parameters
    ----------
    lengths : int array, shape (n,)
        Of all requests of the phase; changed.
    of : str
        "prompt" or "output".
    category : int array, shape (n,)
        Indices into `categories`.
    """
    for index, wanted in enumerate(categories):
        mine = np.flatnonzero(category == index)
        if not wanted.length_correlation or len(mine) == 0:
            continue
        n = int(mine[-1]) + 1
        normal = streams.get("prompt_lengths", phase).standard_normal(n)[mine]
        distribution: Length | None = wanted.prompt_tokens
        if of == "output":
            tied = 2 * math.sin(math.pi * wanted.length_correlation / 6)
            own = streams.get("output_lengths", phase).standard_normal(n)[mine]
            normal = tied * normal + math.sqrt(1 - tied * tied) * own
            distribution = wanted.output_tokens
        if distribution is not None:
            # Off 0 and 1, where quantiles may be infinite.
            share = np.clip(special.ndtr(normal), 1e-300, 1 - 1e-16)
            drawn = distribution.quantile(share)
            lengths[mine] = to_tokens(np.minimum(drawn, MAX_LENGTH))
