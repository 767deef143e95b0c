"""The iterations of one replica: their boundaries, and who ran between, from requests' times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr

from driftsched.core.arrays import Floats, Ints
from driftsched.serving.iteration import IterationCost

SAME_BOUNDARY = 0.2
"""Times closer than this share of the fastest usual token are of one iteration."""
COUNT_ERROR = 0.1
"""How far, in iterations, a request's token count may be from the sum over its intervals."""


class IterationGroup(NamedTuple):
    """Iterations of one kind inside a stretch.

    In each of them so many `tokens` are computed, of so many `requests`, and so many `prompts`
    begin.
    """

    iterations: int
    tokens: int
    requests: int
    prompts: int = 0


class Stretch(NamedTuple):
    """A stretch of time and what was computed in it.

    `kv_tokens` and `squares` are tokens of KV cache read, and squared prompt lengths, summed over
    its iterations, which are its `parts`.
    """

    start_s: float
    seconds: float
    kv_tokens: float
    squares: float
    parts: Sequence[IterationGroup]


class IterationLog:
    """The boundaries at which first and last tokens came, and who ran between them.

    Of one replica's finished requests, at least one, dispatch_s, first_token_s, last_token_s (or
    finish_s), prompt_tokens and output_tokens are read.
    """

    def __init__(self, requests: pd.DataFrame) -> None:
        name = "last_token_s" if "last_token_s" in requests.columns else "finish_s"
        self.dispatch, self.first, self.last = (
            requests[n].to_numpy(np.float64) for n in ("dispatch_s", "first_token_s", name)
        )
        self.prompt, self.output = (
            requests[n].to_numpy(np.int64) for n in ("prompt_tokens", "output_tokens")
        )
        self.cached = np.zeros(len(requests), dtype=np.int64)
        if "cached_tokens" in requests.columns:
            known = requests["cached_tokens"].fillna(0).to_numpy(np.int64)
            # The last token of a prompt is always computed.
            self.cached = np.clip(known, 0, self.prompt - 1)
        self.times = self._boundaries()
        self.begins = self._at(self.first)
        self.ends = np.where(self.output > 1, self._at(self.last), self.begins)

    def _boundaries(self) -> Floats:
        same = SAME_BOUNDARY * self._gap(10)
        times = np.sort(np.concatenate([self.first, self.last[self.output > 1]]))
        kept: Floats = times[np.append(True, np.diff(times) > same)]
        return kept

    def _gap(self, percentile: float) -> float:
        """Time from one token to the next, of the requests' own means; 0 where there is none."""
        some = self.output > 1
        gaps = (self.last - self.first)[some] / (self.output[some] - 1)
        return float(np.percentile(gaps, percentile)) if len(gaps) else 0.0

    def _at(self, times: Floats) -> Ints:
        """Number of the boundary each time belongs to: the last one not after it."""
        return np.searchsorted(self.times, times, side="right") - 1

    def counts(self, expected: Floats | None = None) -> Ints:
        """Iterations between each boundary and the next: whole numbers of at least 1.

        Every request says how many lie between its first and its last token; where that leaves
        room, they are spread as `expected`, or else by the requests' own mean pace.
        """
        intervals = len(self.times) - 1
        decoding = np.flatnonzero(self.ends > self.begins)
        spans = [np.arange(self.begins[n], self.ends[n]) for n in decoding]
        if not spans:
            return np.ones(intervals, dtype=np.int64)
        row = np.repeat(np.arange(len(spans)), [len(span) for span in spans])
        column = np.concatenate(spans)
        covers = csr_array((np.ones(len(row)), (row, column)), shape=(len(spans), intervals))
        if expected is None:
            pace = (self.output[decoding] - 1) / (self.last - self.first)[decoding]
            running = np.maximum(covers.sum(axis=0), 1)
            expected = np.diff(self.times) * (covers.T @ pace) / running
            scale = np.sqrt(np.maximum(expected, 1.0))
        else:
            scale = 0.2 + 0.03 * expected
        usual = np.maximum(expected, 1.0)
        missing = (self.output[decoding] - 1 - covers @ usual) / COUNT_ERROR
        scaled: Any = covers.multiply(scale[np.newaxis, :]).tocsr() / COUNT_ERROR
        change = lsqr(scaled, missing, damp=1.0, iter_lim=2000)[0] * scale
        whole: Ints = np.maximum(np.rint(usual + change), 1).astype(np.int64)
        return whole

    def expected(self, counts: Ints, cost: IterationCost) -> Floats:
        """Iterations that fit into each interval at `cost`; KV cache as with `counts`."""
        fitting = np.ones(len(counts))
        for place, one in self._walk(counts):
            last = one.parts[-1]
            running = last.requests - last.prompts
            if place and running:
                kv = int(one.kv_tokens / counts[place - 1])
                seconds, joining = one.seconds, last.prompts > 0
                if joining:
                    squares = int(one.squares)
                    seconds -= cost.iteration(last.tokens, kv, squares, last.requests, last.prompts)
                alone = max(0.0, seconds / cost.iteration(running, kv, 0, running))
                fitting[place - 1] = joining + alone
        return fitting

    def stretches(self, counts: Ints) -> list[Stretch]:
        """Every interval in which something ran."""
        return [one for _, one in self._walk(counts) if one.seconds > 0]

    def _walk(self, counts: Ints) -> Iterator[tuple[int, Stretch]]:
        """Each interval in which something ran, with the boundary that ends it."""
        starting, ending = self._by_boundary(self.begins), self._by_boundary(self.ends)
        yield 0, self._stretch(starting[0], 0, 0, 0, 1)
        running = kv = 0
        for place in range(len(counts)):
            running += len(starting[place]) - len(ending[place])
            kv += int((self.prompt[starting[place]] + 1).sum())
            kv -= int((self.prompt + self.output)[ending[place]].sum())
            joining = starting[place + 1]
            if running or len(joining):
                count = int(counts[place]) if running else 1
                yield place + 1, self._stretch(joining, place + 1, running, kv, count)
                kv += count * running

    def _stretch(self, joining: Ints, end: int, running: int, kv: int, count: int) -> Stretch:
        """The interval that ends at a boundary; those who join do so in its last iteration."""
        start = self.times[end - 1] if end else -np.inf
        if not running:
            start = max(start, float(self.dispatch[joining].min()))
        prompts, cached = self.prompt[joining], self.cached[joining]
        alone = count - bool(len(joining))
        parts = [IterationGroup(alone, running, running)] if alone else []
        if len(joining):
            together = running + len(joining)
            computed = int((prompts - cached).sum())
            parts.append(IterationGroup(1, running + computed, together, len(joining)))
        kv_read = kv * count + running * count * (count - 1) / 2
        squares = float((prompts**2 - cached**2).sum())
        return Stretch(start, float(self.times[end] - start), kv_read, squares, parts)

    def _by_boundary(self, places: Ints) -> list[Ints]:
        order = np.argsort(places, kind="stable")
        cuts = np.searchsorted(places[order], np.arange(len(self.times) + 1))
        return [order[a:b] for a, b in pairwise(cuts)]

    def handover(self, counts: Ints) -> float:
        """Whole iterations from a place's end to the one that takes its next request in, median.

        Only requests count that were dispatched into a busy engine, less than an iteration after
        another had ended.
        """
        passed = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
        before = np.searchsorted(self.times, self.dispatch, side="right") - 1
        busy = np.zeros(len(self.times) + 1, dtype=np.int64)
        np.add.at(busy, self.begins, 1)
        np.add.at(busy, self.ends, -1)
        decoding = np.cumsum(busy)
        late = self.dispatch - self.times[np.maximum(before, 0)]
        at_end = np.isin(before, self.ends) & (before >= 0) & (late < 0.5 * self._gap(50))
        chosen = np.flatnonzero(at_end & (decoding[np.maximum(before, 0)] > 0))
        if not len(chosen):
            return float("nan")
        wanted = passed[self.begins[chosen]] - passed[before[chosen]] - 1
        return float(np.median(np.maximum(wanted, 0)))
