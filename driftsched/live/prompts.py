"""The workload as a live run sends it: its texts, their true lengths, its times scaled."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftsched.workload.table import Workload

__all__ = ["live_workload", "prompt_text", "with_prompt_tokens"]

FILLER = (
    "Background, for context only: the team runs its services on shared machines and keeps notes "
    "on load, cost and incidents for every week of the year, which are listed here in full."
)
"""Neutral words that make a short text as long as the workload wants its prompt."""


def live_workload(workload: Workload, time_scale: float = 1.0) -> Workload:
    """Return the workload with its clients' times scaled and its prompts as long as their texts.

    Scaled are arrivals, the users' thinking, patience as drawn, and the phases.

    A drawn or recorded prompt length longer than the text is reached with filler words; a text
    longer than that stays whole, and its length in tokens is corrected in proportion.

    Parameters
    ----------
    workload : Workload
        As generated.
    time_scale : float
        2 plays twice as slowly.
    """
    own = np.array([len(text.split()) for text in workload.prompts], dtype=np.int64)
    planned = workload.prompt_words
    words = np.maximum(planned, own[workload.prompt_id])
    tokens = np.rint(workload.prompt_tokens * (words / planned)).astype(np.int64)
    segments = tuple(
        replace(
            segment,
            duration_s=segment.duration_s * time_scale,
            pause_s=segment.pause_s * time_scale,
        )
        for segment in workload.segments
    )
    think_s, patience_s = workload.think_s, workload.patience_s
    return replace(
        workload,
        arrival_s=workload.arrival_s * time_scale,
        think_s=None if think_s is None else think_s * time_scale,
        patience_s=None if patience_s is None else patience_s * time_scale,
        prompt_words=words,
        prompt_tokens=tokens,
        segments=segments,
    )


def prompt_text(workload: Workload, request_id: int) -> str:
    """The text that a request sends; it has exactly ``prompt_words`` words."""
    text: str = workload.prompts[workload.prompt_id[request_id]]
    missing = int(workload.prompt_words[request_id]) - len(text.split())
    if missing <= 0:
        return text
    return f"{text}\n\n{' '.join(islice(cycle(FILLER.split()), missing))}"


def with_prompt_tokens(workload: Workload, counts: Sequence[int]) -> Workload:
    """Return the workload with prompt lengths as a tokenizer counted them, one a request."""
    return replace(workload, prompt_tokens=np.asarray(counts, dtype=np.int64))
