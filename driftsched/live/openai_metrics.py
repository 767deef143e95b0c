"""What inference servers tell of themselves in Prometheus' text format → the gpus table."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from driftsched.core.config import MOST
from driftsched.live.engine import EngineError
from driftsched.live.openai_http import Http

Samples = Mapping[str, Sequence[tuple[Mapping[str, str], float]]]
"""Metric → labels and value of each of its series."""

GAUGES = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "sglang:num_running_reqs": "running",
    "sglang:num_queue_reqs": "waiting",
    "sglang:num_used_tokens": "kv_used_tokens",
    "sglang:max_total_num_tokens": "kv_capacity_tokens",
    "llamacpp:requests_processing": "running",
    "llamacpp:requests_deferred": "waiting",
    "llamacpp:kv_cache_tokens": "kv_used_tokens",
}
"""Metric → column; several series of one metric (one a rank) are added up."""
SHARES = (
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "sglang:token_usage",
    "llamacpp:kv_cache_usage_ratio",
)
"""Share of the KV cache in use, 0 to 1; several series are averaged."""
VLLM_CACHE = "vllm:cache_config_info"
KNOWN = (*GAUGES, *SHARES, VLLM_CACHE)
LEAST_STEP_S = 1.0


class MetricsProbe:
    """Reads each replica's /metrics, once a second at most, since servers take time to write it."""

    def __init__(self, http: Http, addresses: Sequence[str], capacity: int | None) -> None:
        self._http = http
        self._addresses = tuple(addresses)
        self._capacity = capacity
        self._last_s = float("-inf")

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Return the figures of each replica, or nothing when asked again too soon."""
        now = time.monotonic()
        if now - self._last_s < LEAST_STEP_S:
            return {}
        self._last_s = now
        found = await asyncio.gather(*map(self._ask, self._addresses))
        return {replica: values for replica, values in enumerate(found) if values}

    async def _ask(self, address: str) -> dict[str, float]:
        try:
            text = await self._http.get(address, timeout_s=2.0)
        except EngineError:
            return {}  # what is not known is missing in the table
        return figures(read_metrics(text.decode(errors="replace")), self._capacity)


def read_metrics(text: str) -> Samples:
    """Read the samples of a server's text that are known here, but for impossible ones."""
    from prometheus_client.parser import text_string_to_metric_families

    samples: defaultdict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
    for line in text.splitlines():
        if not line.startswith(KNOWN):
            continue
        with suppress(ValueError, OverflowError):
            for family in text_string_to_metric_families(line):
                for sample in family.samples:
                    if sample.name in KNOWN and abs(sample.value) <= MOST:
                        samples[sample.name].append((sample.labels, float(sample.value)))
    return dict(samples)


def figures(samples: Samples, capacity: int | None = None) -> dict[str, float]:
    """Columns of the gpus table that the samples of `read_metrics` tell of.

    `capacity` is that of the KV cache in tokens, where it is known from elsewhere.
    """
    row: dict[str, float] = {}
    for metric, column in GAUGES.items():
        if metric in samples:
            row[column] = sum(value for _, value in samples[metric])
    whole = row.get("kv_capacity_tokens", _vllm_capacity(samples) or capacity)
    if not whole:
        return row
    row["kv_capacity_tokens"] = float(whole)
    for metric in SHARES:
        if metric in samples and "kv_used_tokens" not in row:
            share = sum(value for _, value in samples[metric]) / len(samples[metric])
            row["kv_used_tokens"] = float(round(share * whole))
    return row


def _vllm_capacity(samples: Samples) -> int | None:
    """KV cache in tokens that vLLM's cache_config_info tells of; None where it does not."""
    try:
        sizes = [
            int(labels["num_gpu_blocks"]) * int(labels["block_size"])
            for labels, _ in samples.get(VLLM_CACHE, ())
        ]
    except (KeyError, ValueError):
        return None
    return sum(sizes) or None
