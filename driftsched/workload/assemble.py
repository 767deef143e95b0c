"""From arrivals, tenants and categories to the finished table: prompts, lengths, words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from driftsched.scenario.model import Scenario
from driftsched.traffic.lengths import to_tokens
from driftsched.workload.copula import correlate
from driftsched.workload.drift import Drift
from driftsched.workload.prompts import PromptBook, prompt_book
from driftsched.workload.streams import MAX_LENGTH, Streams, lengths_by_category
from driftsched.workload.table import Segment, Workload

__all__ = ["Draft", "assemble"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
MIN_WORDS_PER_TOKEN = 0.05


@dataclass(frozen=True)
class Draft:
    """What is known of a phase's requests before their texts and lengths; shapes (n,).

    `user` and `think_s` belong to the last rows, those of closed loops.

    Recorded lengths replace drawn ones: `prompt_tokens`, `output_tokens` and `max_output_tokens`
    are given together or not at all.
    """

    arrival_s: FloatArray
    tenant: IntArray
    category: IntArray
    user: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    think_s: FloatArray = field(default_factory=lambda: np.empty(0))
    prompt_tokens: IntArray | None = None
    output_tokens: IntArray | None = None
    max_output_tokens: IntArray | None = None


def assemble(
    scenario: Scenario,
    streams: Streams,
    drafts: list[Draft],
    segments: tuple[Segment, ...],
    drift: Drift,
) -> Workload:
    """Add prompts, lengths and word counts to the drafts, one a phase, and join them.

    Returns
    -------
    Workload
        Lengths fit into cluster.context_tokens, words follow the cut lengths.
    """
    book = prompt_book(scenario.categories, scenario.prompts.leak)
    parts = [_phase(scenario, streams, n, draft, book, drift) for n, draft in enumerate(drafts)]
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
        user=_users(drafts),
        think_s=_think(drafts),
        patience_s=_patience(scenario, streams, drafts),
    )


def _users(drafts: list[Draft]) -> IntArray | None:
    """Users numbered through all phases, -1 for open arrivals; None without closed loops."""
    if not any(len(draft.user) for draft in drafts):
        return None
    users, first = [], 0
    for draft in drafts:
        users.append(np.full(len(draft.category) - len(draft.user), -1, dtype=np.int64))
        users.append(draft.user + first)
        first += int(draft.user.max()) + 1 if len(draft.user) else 0
    return np.concatenate(users)


def _think(drafts: list[Draft]) -> FloatArray | None:
    if not any(len(draft.user) for draft in drafts):
        return None
    parts = [
        np.append(np.full(len(draft.category) - len(draft.user), np.nan), draft.think_s)
        for draft in drafts
    ]
    return np.concatenate(parts)


def _patience(scenario: Scenario, streams: Streams, drafts: list[Draft]) -> FloatArray | None:
    """How long each client waits for its first token; None where nobody abandons."""
    wanted = {
        number: tenant.patience.abandonment
        for number, tenant in enumerate(scenario.tenants)
        if tenant.patience.abandonment is not None
    }
    if not wanted:
        return None
    parts = []
    for phase, draft in enumerate(drafts):
        patience = np.full(len(draft.tenant), np.inf)
        for tenant, duration in wanted.items():
            mine = np.flatnonzero(draft.tenant == tenant)
            if len(mine):
                drawn = duration.sample(streams.get("patience", phase), int(mine[-1]) + 1)
                patience[mine] = drawn[mine]
        parts.append(patience)
    return np.concatenate(parts)


def _phase(
    scenario: Scenario,
    streams: Streams,
    number: int,
    draft: Draft,
    book: PromptBook,
    drift: Drift,
) -> tuple[IntArray, ...]:
    """Columns of one phase: prompt_id, prompt, output and maximum tokens, the two in words."""
    n = len(draft.category)
    prompt_id = book.pick(draft.category, streams.get("prompts", number).random(n))
    prompt, from_text = _prompts(scenario, streams, number, draft, book.words[prompt_id])
    output, maximum = _outputs(scenario, streams, number, draft, drift)
    longer = _factors("prompt", number, draft, drift)
    if longer is not None:
        prompt, from_text = _times(prompt, longer), from_text & (longer == 1)
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
    correlate(drawn, "prompt", streams, number, draft.category, scenario.categories)
    from_text = np.array([d is None for d in distributions])[draft.category]
    # One text has one length: the category's mean ratio, not the request's.
    mean = np.array([category.words_per_token for category in scenario.categories])
    counted = np.maximum(1, np.rint(text_words / mean[draft.category])).astype(np.int64)
    return np.where(from_text, counted, drawn), from_text


def _outputs(
    scenario: Scenario, streams: Streams, number: int, draft: Draft, drift: Drift
) -> tuple[IntArray, IntArray]:
    """Output tokens and their maximum."""
    longer = _factors("output", number, draft, drift)
    if draft.output_tokens is not None and draft.max_output_tokens is not None:
        output = _times(draft.output_tokens, longer)
        return output, np.maximum(draft.max_output_tokens, output)
    maxima = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
    maximum = maxima[draft.category]
    if scenario.lengths == "capped":
        return maximum, maximum
    distributions = [category.output_tokens for category in scenario.categories]
    drawn = lengths_by_category(streams, "output_lengths", number, draft.category, distributions)
    correlate(drawn, "output", streams, number, draft.category, scenario.categories)
    return np.minimum(_times(drawn, longer), maximum), maximum


def _factors(of: str, number: int, draft: Draft, drift: Drift) -> FloatArray | None:
    return drift.factors(of, number, draft.arrival_s, draft.tenant, draft.category)


def _times(tokens: IntArray, factors: FloatArray | None) -> IntArray:
    """Whole tokens times factors, at least 1; the same where there is nothing to multiply."""
    if factors is None:
        return tokens
    return to_tokens(np.minimum(tokens * factors, MAX_LENGTH))


def _words_per_token(
    scenario: Scenario, streams: Streams, number: int, category: IntArray
) -> FloatArray:
    mean = np.array([c.words_per_token for c in scenario.categories])
    sd = np.array([c.words_per_token_sd for c in scenario.categories])
    deviate = streams.get("words_per_token", number).standard_normal(len(category))
    return np.maximum(MIN_WORDS_PER_TOKEN, mean[category] + sd[category] * deviate)


def _words(tokens: IntArray, ratio: FloatArray) -> IntArray:
    return np.maximum(1, np.rint(tokens * ratio)).astype(np.int64)
