"""A day of a server's own counters: Prometheus histograms of prompt and answer lengths over time.

The file is what ``/api/v1/query_range`` answers for both histograms. Counters do not name requests,
so these are drawn: in each step as many as were counted, each length within its bucket.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import TraceError
from driftsched.workload.traces.rows import MAX_TOKENS, RecordedRows
from driftsched.workload.traces.textfile import MAX_ROWS

__all__ = ["read_prometheus"]

HISTOGRAMS = {
    "prompt": (
        "vllm:request_prompt_tokens_bucket",
        "sglang:prompt_tokens_histogram_bucket",
        "tgi_request_input_length_bucket",
    ),
    "output": (
        "vllm:request_generation_tokens_bucket",
        "sglang:generation_tokens_histogram_bucket",
        "tgi_request_generated_tokens_bucket",
    ),
}
CLIENT = "model_name"
"""The label that says whose requests they are."""
NOTE = (
    "requests are drawn from counters in {steps} steps: their times within a step, and which "
    "prompt had which answer, are not known; a request counts when it ended"
)


class _Counted(NamedTuple):
    """Counts of one client's lengths: (steps, buckets), and the buckets' upper ends."""

    counts: Floats
    ends: Floats


def read_prometheus(answer: dict[str, Any], seed: int) -> RecordedRows:
    """Draw requests from an answer of ``/api/v1/query_range``.

    Raises
    ------
    TraceError
        One line: what of the answer is missing or wrong.
    """
    found: dict[str, dict[str, list[tuple[float, dict[float, float]]]]] = {
        of: defaultdict(list) for of in HISTOGRAMS
    }
    for series in _series(answer):
        labels = series["metric"]
        for of, names in HISTOGRAMS.items():
            if labels.get("__name__") in names:
                end = _number(labels.get("le"), "label le")
                found[of][str(labels.get(CLIENT, "all"))].append((end, _samples(series)))
    for of, names in HISTOGRAMS.items():
        if not found[of]:
            raise TraceError(f"trace must have a histogram of {of}s, such as {names[0]}, got none")
    times = np.unique([t for of in found.values() for c in of.values() for _, s in c for t in s])
    if len(times) < 2:
        raise TraceError(f"trace must have at least 2 samples in time, got {len(times)}")
    rng, rows = np.random.default_rng(seed), RecordedRows()
    drawn = [
        (_draw(times, _counted(found["prompt"][client], times), _counted(own, times), rng), client)
        for client, own in sorted(found["output"].items())
        if client in found["prompt"]
    ]
    for (at_ns, prompt, output), client in drawn:
        rows.add(at_ns, prompt, output, pa.array([client] * len(at_ns), pa.string()))
        rows.rows_read += len(at_ns)
    rows.notes = (NOTE.format(steps=len(times) - 1),)
    return rows.join(with_clients=True)


def _series(answer: dict[str, Any]) -> list[dict[str, Any]]:
    data = answer.get("data")
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, list) or data is None or data.get("resultType") != "matrix":
        raise TraceError("trace must be an answer of query_range (a matrix), got another")
    for place, one in enumerate(result):
        fine = isinstance(one, dict) and isinstance(one.get("metric"), dict)
        if not fine or not isinstance(one.get("values"), list):
            raise TraceError(f"result {place} must have a metric and values, got {str(one)[:60]!r}")
    return result


def _samples(series: dict[str, Any]) -> dict[float, float]:
    found = {}
    for pair in series["values"]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise TraceError(f"values must be pairs of time and count, got {str(pair)[:60]!r}")
        found[_number(pair[0], "time")] = _number(pair[1], "count")
    return found


def _number(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not number >= 0 or (number == np.inf and what != "label le"):
        raise TraceError(f"{what} must be a number >= 0, got {str(value)[:60]!r}")
    return number


def _counted(series: list[tuple[float, dict[float, float]]], times: Floats) -> _Counted:
    """What each step added to each bucket; a counter that begins anew has added what it shows."""
    ends = np.unique([end for end, _ in series])
    total = np.zeros((len(times) - 1, len(ends)))
    for end, samples in series:
        values = np.array([samples.get(t, np.nan) for t in times])
        known = np.flatnonzero(~np.isnan(values))
        added = np.diff(values[known])
        added = np.where(added < 0, values[known][1:], added)
        total[known[1:] - 1, np.searchsorted(ends, end)] += added
    return _Counted(np.maximum(np.diff(total, axis=1, prepend=0.0), 0.0), ends)


def _draw(
    times: Floats, prompts: _Counted, outputs: _Counted, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """As many requests in each step as answers ended in it; time, prompt and answer of each."""
    counts = np.rint(outputs.counts).astype(np.int64)
    if counts.sum() > MAX_ROWS:
        raise TraceError(f"trace must have at most {MAX_ROWS} requests, got {counts.sum()}")
    at, prompt, output = [], [], []
    for step, row in enumerate(counts):
        n = int(row.sum())
        if not n:
            continue
        own = prompts.counts[step]
        shares = own if own.sum() else prompts.counts.sum(axis=0)
        if not shares.sum():
            raise TraceError("trace must count prompts where it counts answers, got none")
        chosen = rng.choice(len(shares), n, p=shares / shares.sum())
        at.append(rng.uniform(times[step], times[step + 1], n))
        prompt.append(_within(chosen, prompts.ends, rng))
        output.append(_within(np.repeat(np.arange(len(row)), row), outputs.ends, rng))
        rng.shuffle(output[-1])
    if not at:
        raise TraceError("trace must count at least one answer, got none")
    at_ns = np.rint(np.concatenate(at) * 1e9).astype(np.int64)
    return at_ns, np.concatenate(prompt), np.concatenate(output)


def _within(bucket: Ints, ends: Floats, rng: np.random.Generator) -> Ints:
    """Lengths inside their buckets, even in the logarithm; in the last, open one its lower end."""
    closed = np.where(np.isfinite(ends), ends, np.r_[1.0, ends][:-1])
    low = np.r_[0.0, closed][bucket] + 1
    high = np.maximum(closed[bucket], low)
    drawn = np.floor(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
    tokens: Ints = np.clip(drawn, 1, MAX_TOKENS).astype(np.int64)
    return tokens
