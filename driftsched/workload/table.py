"""The table of requests that a scenario's traffic amounts to, before anything is scheduled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segment", "Workload"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """The requests of one phase, `first` to `stop` (exclusive), and what follows it.

    Arrival times of a segment count from its own start. The first starts at 0; a later one starts
    `pause_s` after the former's `duration_s`, or, where the former drains, `pause_s` after its last
    request has ended (not before its `duration_s`): so the start depends on the run.
    """

    name: str
    first: int
    stop: int
    duration_s: float
    drain: bool = False
    pause_s: float = 0.0


@dataclass(frozen=True)
class Workload:
    """Requests in order of arrival; every array has shape (n,).

    Attributes
    ----------
    arrival_s : float array
        Seconds since the start of the request's segment, ascending inside it.
    tenant, category : int arrays
        Indices into the scenario's tenants and (true) categories.
    prompt_id : int array
        Index into `prompts`, the distinct prompt texts.
    prompt_tokens, output_tokens, max_output_tokens : int arrays
        Tokens, at least 1; the output is what the engine will generate, already cut.
    prompt_words, output_words : int arrays
        The same lengths counted in whitespace words.
    segments : tuple of Segment
        They cover 0 … n without gaps.
    """

    arrival_s: FloatArray
    tenant: IntArray
    category: IntArray
    prompt_id: IntArray
    prompts: tuple[str, ...]
    prompt_tokens: IntArray
    output_tokens: IntArray
    max_output_tokens: IntArray
    prompt_words: IntArray
    output_words: IntArray
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        return len(self.arrival_s)
