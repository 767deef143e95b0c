"""What prompts of a trace share → tokens of each that the replicas' prefix caches hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from driftsched.core.arrays import Ints
from driftsched.scenario.model import Scenario
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.workload.arrive import PhaseRequests
from driftsched.workload.requests import cached_tokens
from driftsched.workload.streams import Streams
from driftsched.workload.table import Workload


def with_prefixes(
    scenario: Scenario,
    streams: Streams,
    requests: PhaseRequests,
    blocks: pa.ListArray[Any],
    block_tokens: int,
) -> PhaseRequests:
    """Add to recorded requests what the prefix caches hold of each prompt when it comes.

    Requests are in order of arrival, `blocks` too. A replica's cache is as large as its KV cache.
    Who comes to which replica is the router's rule where that is known beforehand (one replica, or
    a home for each tenant or prefix), else drawn by lot: a router that balances load spreads equal
    prompts as chance does.
    """
    sizes = [kv_capacity_tokens(machine) // block_tokens for machine in scenario.cluster.machines]
    first = first_blocks(blocks)
    found = found_blocks(blocks, _homes(scenario, streams, first, requests.tenant), sizes)
    assert requests.prompt_tokens is not None
    cached = np.minimum(found * block_tokens, requests.prompt_tokens)
    return replace(requests, cached_tokens=cached, first_block=first)


def in_words(scenario: Scenario, workload: Workload, block_tokens: int) -> tuple[str, ...]:
    """How much is found, a sentence."""
    share = cached_tokens(scenario, workload).sum() / workload.prompt_tokens.sum()
    return (
        f"{100 * share:.0f} % of the prompts' tokens are found in prefix caches as large as each "
        "replica's KV cache, of which the least recently used goes first, by the file's blocks of "
        f"{block_tokens:,} tokens",
    )


def first_blocks(blocks: pa.ListArray[Any]) -> Ints:
    """Numbers from 0, shape (n,), equal where first blocks are; of a prompt without any its own."""
    starts, lengths = _starts(blocks), blocks.value_lengths().to_numpy()
    values = np.asarray(blocks.flatten())
    some = lengths > 0
    known, numbers = np.unique(values[starts[some]], return_inverse=True)
    first = len(known) + np.arange(len(blocks))
    first[some] = numbers
    return first


def found_blocks(blocks: pa.ListArray[Any], homes: Ints, sizes: Sequence[int]) -> Ints:
    """Blocks of each prompt, from its first on, that its home's cache holds when it comes, (n,).

    `homes` are positions in `sizes`, which are in blocks. A prompt's blocks are there from its
    coming on. The least recently used goes first, of one prompt the last block, as in vLLM.
    """
    caches: list[OrderedDict[int, None]] = [OrderedDict() for _ in sizes]
    starts = [*_starts(blocks).tolist(), len(blocks.flatten())]
    values = blocks.flatten().to_pylist()
    found = np.zeros(len(blocks), np.int64)
    for row, home in enumerate(homes.tolist()):
        own, cache = values[starts[row] : starts[row + 1]], caches[home]
        found[row] = next((n for n, block in enumerate(own) if block not in cache), len(own))
        for block in reversed(own):
            cache[block] = None
            cache.move_to_end(block)
        while len(cache) > sizes[home]:
            cache.popitem(last=False)
    return found


def _starts(blocks: pa.ListArray[Any]) -> Ints:
    """Where each list begins in the flat values, shape (n,)."""
    lengths = blocks.value_lengths().to_numpy()
    return np.asarray(np.cumsum(lengths) - lengths)


def _homes(scenario: Scenario, streams: Streams, first: Ints, tenant: Ints) -> Ints:
    """The replica to which each request comes, as far as that is known beforehand."""
    cluster, replicas = scenario.cluster, len(scenario.cluster.machines)
    home = cluster.router.home if cluster.queue == "per_replica" else ""
    if home:
        return (tenant if home == "tenant" else first) % replicas
    return streams.get("prefix_homes", 0).integers(replicas, size=len(first))
