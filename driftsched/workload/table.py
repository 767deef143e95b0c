"""The table of requests that a scenario's traffic amounts to, before anything is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from driftsched.core.arrays import Floats, Ints


@dataclass(frozen=True)
class Segment:
    """The requests of one phase, `first` to `stop` (exclusive), and what follows it.

    Arrival times of a segment count from its own start. The first starts at 0; a later one starts
    `pause_s` after the former's `duration_s`, or, where the former drains, `pause_s` after its last
    request has ended (not before its `duration_s`): so the start depends on the run. Rows from
    `closed_first` on come in a closed loop (see `Workload`); the rows before it are open arrivals
    in order of time.
    """

    name: str
    first: int
    stop: int
    duration_s: float
    drain: bool = False
    pause_s: float = 0.0
    closed_first: int | None = None


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
    user, think_s : int and float array, or None
        Of requests in a closed loop, who asks (numbered through the workload) and how long that
        user thinks before, in seconds; -1 and NaN for open arrivals. A user's rows are in the order
        of asking: the first comes when the segment starts and the user has thought, each later one
        when the former has ended and the user has thought again. In a segment that is bounded by
        time no request is made past its duration_s: such rows are not part of the run. Their
        arrival_s is as if answers took no time. None where there is no closed loop.
    patience_s : float array or None
        Seconds after which each client without a first token hangs up, inf for never; None where
        nobody does.
    cached_tokens, first_block : int arrays or None
        Tokens of the prompt found in the prefix cache, and a number, 0 or more, that requests share
        whose prompts begin alike; None where a trace does not tell.
    predicted_tokens : float array or None
        Output tokens as predicted before, above 0, NaN where a row does not say; None where a trace
        does not tell.
    phase : int array or None
        Position of each request's segment; None where rows stand as the segments say.
    """

    arrival_s: Floats
    tenant: Ints
    category: Ints
    prompt_id: Ints
    prompts: tuple[str, ...]
    prompt_tokens: Ints
    output_tokens: Ints
    max_output_tokens: Ints
    prompt_words: Ints
    output_words: Ints
    segments: tuple[Segment, ...]
    user: Ints | None = None
    think_s: Floats | None = None
    patience_s: Floats | None = None
    cached_tokens: Ints | None = None
    first_block: Ints | None = None
    predicted_tokens: Floats | None = None
    phase: Ints | None = None

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def phases(self) -> Ints:
        """Position of each request's segment, shape (n,)."""
        if self.phase is not None:
            return self.phase
        sizes = [segment.stop - segment.first for segment in self.segments]
        return np.repeat(np.arange(len(sizes)), sizes)

    def take(self, rows: Ints) -> Workload:
        """Return the workload of some rows, in any order and as often as named."""
        columns: dict[str, Any] = {
            field.name: value[rows]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **(columns | {"phase": self.phases[rows]}))


def nominal_starts(segments: Sequence[Segment]) -> list[float]:
    """Starts of segments laid end to end, in seconds: a drain takes no time, a pause does."""
    starts, now = [], 0.0
    for segment in segments:
        starts.append(now)
        now += segment.duration_s + segment.pause_s
    return starts


def traffic_end_s(segments: Sequence[Segment]) -> float:
    """When nothing comes any more, on the clock of `nominal_starts`."""
    return nominal_starts(segments)[-1] + segments[-1].duration_s
