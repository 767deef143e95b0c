"""From arrivals, tenants and categories to the finished table: prompts, lengths, words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from driftsched.core.arrays import Bools, Floats, Ints
from driftsched.scenario.model import Scenario
from driftsched.scenario.traffic import Category
from driftsched.traffic.lengths import to_tokens
from driftsched.workload.arrive import PhaseRequests
from driftsched.workload.drift import Drift
from driftsched.workload.prompts import PromptBook, prompt_book
from driftsched.workload.streams import Streams
from driftsched.workload.table import Segment, Workload

MIN_WORDS_PER_TOKEN = 0.05
MAX_LENGTH = 1e12  # extreme shapes draw beyond a 64-bit integer


def assemble(
    scenario: Scenario,
    streams: Streams,
    phases: Sequence[PhaseRequests],
    segments: tuple[Segment, ...],
    drift: Drift,
) -> Workload:
    """Add prompts, lengths and word counts to the requests of each phase, and join them.

    Answers fit into what a prompt leaves of cluster.context_tokens, words follow the cut lengths. A
    prompt that leaves nothing is as it is: admission refuses it.
    """
    book = prompt_book(scenario.categories, scenario.prompts.leak)
    closed = any(len(rows.user) for rows in phases)
    impatient = any(tenant.patience.abandonment is not None for tenant in scenario.tenants)
    parts: list[dict[str, Any]] = []
    users = 0
    for number, rows in enumerate(phases):
        part = {"arrival_s": rows.arrival_s, "tenant": rows.tenant, "category": rows.category}
        part |= _texts_and_lengths(scenario, streams, number, rows, book, drift)
        if closed:
            open_rows = len(rows) - len(rows.user)
            part["user"] = np.append(np.full(open_rows, -1, dtype=np.int64), rows.user + users)
            part["think_s"] = np.append(np.full(open_rows, np.nan), rows.think_s)
            users += int(rows.user.max(initial=-1)) + 1
        if rows.cached_tokens is not None and rows.first_block is not None:
            part |= {"cached_tokens": rows.cached_tokens, "first_block": rows.first_block}
        if rows.predicted_tokens is not None:
            part["predicted_tokens"] = rows.predicted_tokens
        if impatient:
            part["patience_s"] = _patience(scenario, streams, number, rows.tenant)
        parts.append(part)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Workload(**columns, prompts=book.prompts, segments=segments)


def _patience(scenario: Scenario, streams: Streams, number: int, tenant: Ints) -> Floats:
    """How long each client waits for its first token."""
    patience = np.full(len(tenant), np.inf)
    for index, wanted in enumerate(scenario.tenants):
        mine = np.flatnonzero(tenant == index)
        if wanted.patience.abandonment is not None and len(mine):
            rng = streams.get("patience", number)
            patience[mine] = wanted.patience.abandonment.sample(rng, int(mine[-1]) + 1)[mine]
    return patience


def _texts_and_lengths(
    scenario: Scenario,
    streams: Streams,
    number: int,
    rows: PhaseRequests,
    book: PromptBook,
    drift: Drift,
) -> dict[str, Ints]:
    """Columns of one phase; its number is `number`."""
    prompt_id = book.pick(rows.category, streams.get("prompts", number).random(len(rows)))
    text_words = book.words[prompt_id]
    prompt, from_text = _prompts(scenario, streams, number, rows, text_words)
    longer = drift.factors("prompt", number, rows.arrival_s, rows.tenant, rows.category)
    if longer is not None:
        prompt, from_text = _times(prompt, longer), from_text & (longer == 1)
    longer = drift.factors("output", number, rows.arrival_s, rows.tenant, rows.category)
    output, maximum = _outputs(scenario, streams, number, rows, longer)
    room = np.maximum(scenario.cluster.context_tokens - prompt, 1)
    output, maximum = np.minimum(output, room), np.minimum(maximum, room)
    ratio = _words_per_token(scenario, streams, number, rows.category)
    return {
        "prompt_id": prompt_id,
        "prompt_tokens": prompt,
        "output_tokens": output,
        "max_output_tokens": maximum,
        "prompt_words": np.where(from_text, text_words, _words(prompt, ratio)),
        "output_words": _words(output, ratio),
    }


def _prompts(
    scenario: Scenario, streams: Streams, number: int, rows: PhaseRequests, text_words: Ints
) -> tuple[Ints, Bools]:
    """Prompt tokens, and where they follow from the text."""
    if rows.prompt_tokens is not None:
        return rows.prompt_tokens, np.zeros(len(rows), dtype=np.bool_)
    drawn = _drawn("prompt", streams, number, rows.category, scenario.categories)
    without = np.array([c.prompt_tokens is None for c in scenario.categories])
    from_text = without[rows.category]
    # One text has one length: the category's mean ratio, not the request's.
    mean = np.array([category.words_per_token for category in scenario.categories])
    counted = to_tokens(text_words / mean[rows.category])
    return np.where(from_text, counted, drawn), from_text


def _outputs(
    scenario: Scenario,
    streams: Streams,
    number: int,
    rows: PhaseRequests,
    longer: Floats | None,
) -> tuple[Ints, Ints]:
    """Output tokens and their maximum."""
    if rows.output_tokens is not None and rows.max_output_tokens is not None:
        output = _times(rows.output_tokens, longer)
        return np.minimum(output, rows.max_output_tokens), rows.max_output_tokens
    maxima = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
    maximum = maxima[rows.category]
    if scenario.lengths == "capped":
        return maximum, maximum
    drawn = _drawn("output", streams, number, rows.category, scenario.categories)
    return np.minimum(_times(drawn, longer), maximum), maximum


def _drawn(
    of: str, streams: Streams, number: int, category: Ints, categories: Sequence[Category]
) -> Ints:
    """Draw each request's length from its category's distribution; 0 where that is none.

    Every category reads the same stream from its start, request by request. So a request keeps
    its place in the stream whatever the mix, and two log-normals share their normal deviates.
    """
    lengths = np.zeros(len(category), dtype=np.int64)
    for index, wanted in enumerate(categories):
        distribution = wanted.prompt_tokens if of == "prompt" else wanted.output_tokens
        mine = np.flatnonzero(category == index)
        if distribution is None or len(mine) == 0:
            continue
        n = int(mine[-1]) + 1  # past the last request of this category nothing need be drawn
        if wanted.length_correlation:
            share = _tied(of, streams, number, wanted.length_correlation, n)
            drawn = distribution.quantile(share[mine])
        else:
            drawn = distribution.sample(streams.get(f"{of}_lengths", number), n)[mine]
        lengths[mine] = to_tokens(np.minimum(drawn, MAX_LENGTH))
    return lengths


def _tied(of: str, streams: Streams, number: int, correlation: float, n: int) -> Floats:
    """Shares whose quantiles are lengths with a rank correlation: a Gaussian copula; shape (n,).

    Two normal variables with correlation 2 sin(π ρ / 6) have the rank correlation (Spearman) ρ.
    The first comes from the stream of prompt lengths, the second's own part from that of outputs.
    """
    normal = streams.get("prompt_lengths", number).standard_normal(n)
    if of == "output":
        tied = 2 * math.sin(math.pi * correlation / 6)
        own = streams.get("output_lengths", number).standard_normal(n)
        normal = tied * normal + math.sqrt(1 - tied * tied) * own
    # Off 0 and 1, where quantiles may be infinite.
    return np.clip(special.ndtr(normal), 1e-300, 1 - 1e-16)


def _times(tokens: Ints, factors: Floats | None) -> Ints:
    """Whole tokens times factors, at least 1; the same where there is nothing to multiply."""
    if factors is None:
        return tokens
    return to_tokens(np.minimum(tokens * factors, MAX_LENGTH))


def _words_per_token(scenario: Scenario, streams: Streams, number: int, category: Ints) -> Floats:
    mean = np.array([c.words_per_token for c in scenario.categories])
    sd = np.array([c.words_per_token_sd for c in scenario.categories])
    deviate = streams.get("words_per_token", number).standard_normal(len(category))
    return np.maximum(MIN_WORDS_PER_TOKEN, mean[category] + sd[category] * deviate)


def _words(tokens: Ints, ratio: Floats) -> Ints:
    return to_tokens(tokens * ratio)
