"""From arrivals, tenants and categories to the finished table: prompts, lengths, words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.workload.prompts import PromptBook, prompt_book
from driftsched.workload.streams import Streams, lengths_by_category
from driftsched.workload.table import Segment, Workload

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario

__all__ = ["Draft", "assemble"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
MIN_WORDS_PER_TOKEN = 0.05


@dataclass(frozen=True)
class Draft:
    """What is known of a phase's requests before their texts and lengths; shapes (n,).

    Recorded lengths replace drawn ones: `prompt_tokens`, `output_tokens` and `max_output_tokens`
    are given together or not at all.
    """

    arrival_s: FloatArray
    tenant: IntArray
    category: IntArray
    prompt_tokens: IntArray | None = None
    output_tokens: IntArray | None = None
    max_output_tokens: IntArray | None = None


def assemble(
    scenario: Scenario, streams: Streams, drafts: list[Draft], segments: tuple[Segment, ...]
) -> Workload:
    """Add prompts, lengths and word counts to the drafts, one a phase, and join them.

    Returns
    -------
    Workload
        Lengths fit into cluster.context_tokens, words follow the cut lengths.
    """
    book = prompt_book(scenario.categories, scenario.prompts.leak)
    parts = [_phase(scenario, streams, n, draft, book) for n, draft in enumerate(drafts)]
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    prompt_id, prompt, output, maximum, prompt_words, output_words = joined
    return Workload(
        arrival_s=np.concatenate([draft.arrival_s for draft in drafts]),
        tenant=np.concatenate([draft.tenant for draft in drafts]),
        category=np.concatenate([draft.category for draft in drafts]),
        prompt_id=prompt_id,
        prompts=book.prompts,
        prompt_tokens=prompt,
        output_tokens=output,
        max_output_tokens=maximum,
        prompt_words=prompt_words,
        output_words=output_words,
        segments=segments,
    )


def _phase(
    scenario: Scenario, streams: Streams, number: int, draft: Draft, book: PromptBook
) -> tuple[IntArray, ...]:
    """Columns of one phase: prompt_id, prompt, output and maximum tokens, the two in words."""
    n = len(draft.category)
    prompt_id = book.pick(draft.category, streams.get("prompts", number).random(n))
    prompt, from_text = _prompts(scenario, streams, number, draft, book.words[prompt_id])
    output, maximum = _outputs(scenario, streams, number, draft)
    prompt = np.minimum(prompt, scenario.cluster.context_tokens - 1)
    room = scenario.cluster.context_tokens - prompt
    output, maximum = np.minimum(output, room), np.minimum(maximum, room)
    ratio = _words_per_token(scenario, streams, number, draft.category)
    prompt_words = np.where(from_text, book.words[prompt_id], _words(prompt, ratio))
    return prompt_id, prompt, output, maximum, prompt_words, _words(output, ratio)


def _prompts(
    scenario: Scenario, streams: Streams, number: int, draft: Draft, text_words: IntArray
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Prompt tokens, and where they follow from the text."""
    if draft.prompt_tokens is not None:
        return draft.prompt_tokens, np.zeros(len(draft.category), dtype=np.bool_)
    distributions = [category.prompt_tokens for category in scenario.categories]
    drawn = lengths_by_category(streams, "prompt_lengths", number, draft.category, distributions)
    from_text = np.array([d is None for d in distributions])[draft.category]
    # One text has one length: the category's mean ratio, not the request's.
    mean = np.array([category.words_per_token for category in scenario.categories])
    counted = np.maximum(1, np.rint(text_words / mean[draft.category])).astype(np.int64)
    return np.where(from_text, counted, drawn), from_text


def _outputs(
    scenario: Scenario, streams: Streams, number: int, draft: Draft
) -> tuple[IntArray, IntArray]:
    """Output tokens and their maximum."""
    if draft.output_tokens is not None and draft.max_output_tokens is not None:
        return draft.output_tokens, draft.max_output_tokens
    maxima = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
    maximum = maxima[draft.category]
    if scenario.lengths == "capped":
        return maximum, maximum
    distributions = [category.output_tokens for category in scenario.categories]
    drawn = lengths_by_category(streams, "output_lengths", number, draft.category, distributions)
    return np.minimum(drawn, maximum), maximum


def _words_per_token(
    scenario: Scenario, streams: Streams, number: int, category: IntArray
) -> FloatArray:
    mean = np.array([c.words_per_token for c in scenario.categories])
    sd = np.array([c.words_per_token_sd for c in scenario.categories])
    deviate = streams.get("words_per_token", number).standard_normal(len(category))
    return np.maximum(MIN_WORDS_PER_TOKEN, mean[category] + sd[category] * deviate)


def _words(tokens: IntArray, ratio: FloatArray) -> IntArray:
    return np.maximum(1, np.rint(tokens * ratio)).astype(np.int64)
