"""From per-request times to iterations: what a calibration is fitted to.

An API shows when each request gave its first and its last token, and how many it gave. All
requests in an engine advance by one token an iteration, so that those times are boundaries of
iterations, and the counts say how many iterations lie between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from driftsched.core.arrays import Bools, Ints
from driftsched.core.errors import InputError
from driftsched.live.iteration_log import IterationGroup, IterationLog, Stretch
from driftsched.results.tables import RunResult
from driftsched.serving.iteration import IterationCost


@dataclass(frozen=True)
class Observations:
    """Stretches of time and what was computed in them.

    Attributes
    ----------
    stretches, parts : DataFrame
        One row a `Stretch`, without its parts; and one a `IterationGroup`, with the number of its
        ``stretch``.
    handover_iterations : float
        Iterations that an engine at work makes from a request's dispatch to the one that takes it;
        0 in the simulator, 1 where a request that ends is replaced from outside. NaN is unknown.
    """

    stretches: pd.DataFrame
    parts: pd.DataFrame
    handover_iterations: float = float("nan")

    def __len__(self) -> int:
        return len(self.stretches)

    @classmethod
    def of(cls, stretches: Sequence[Stretch], handover_iterations: float = float("nan")) -> Self:
        """Put stretches in tables."""
        parts = [(number, *part) for number, one in enumerate(stretches) for part in one.parts]
        return cls(
            pd.DataFrame(
                [one[:-1] for one in stretches], columns=Stretch._fields[:-1], dtype=float
            ),
            pd.DataFrame(parts, columns=["stretch", *IterationGroup._fields], dtype=np.int64),
            handover_iterations,
        )

    @classmethod
    def joined(cls, several: Sequence[Observations]) -> Self:
        """Those of several replicas or runs together."""
        sizes = np.array([len(one) for one in several])
        starts = np.cumsum(sizes) - sizes
        parts = [
            one.parts.assign(stretch=one.parts["stretch"] + start)
            for one, start in zip(several, starts, strict=True)
        ]
        handover = np.array([one.handover_iterations for one in several])
        known = np.isfinite(handover)
        return cls(
            pd.concat([one.stretches for one in several], ignore_index=True),
            pd.concat(parts, ignore_index=True),
            float(np.average(handover[known], weights=sizes[known])) if known.any() else np.nan,
        )


def observe_run(result: RunResult, cost: IterationCost | None = None) -> Observations:
    """Observe a run, simulated or live, all its replicas together; `cost` as in `observe`.

    In a live run those who ran and did not finish were in the engine too, as long as they were.

    Raises
    ------
    InputError
        Fewer than two requests finished with more than one token.
    """
    done = result.requests[came_through(result.requests)]
    gangs = result.scenario.engine.mode == "gang" and "last_token_s" not in done.columns
    replicas = [mine for _, mine in done.groupby("replica") if len(mine) > 1]
    found = [observe_gangs(mine) if gangs else observe(mine, cost) for mine in replicas]
    if not sum(map(len, found)):
        raise InputError(
            "a run must have at least 2 finished requests of 2 tokens or more to calibrate from"
        )
    return Observations.joined(found)


def came_through(requests: pd.DataFrame) -> Bools:
    """Say which requests finished, or gave tokens whose number and times were measured."""
    finished = (requests["status"] == "finished").to_numpy(dtype=bool)
    if "last_token_s" not in requests.columns:
        return finished
    gave = requests["last_token_s"].notna() & (requests["output_tokens"] > 0)
    return finished | gave.to_numpy(dtype=bool)


def observe(requests: pd.DataFrame, cost: IterationCost | None = None) -> Observations:
    """Observe finished requests of one replica by their own first and last tokens.

    They have dispatch_s, first_token_s, last_token_s (or finish_s), prompt_tokens, output_tokens;
    cached_tokens, where it is there, were not computed. Where a `cost` is known already and the
    requests' token counts leave room, iterations are spread by it and no more by the requests' mean
    pace.
    """
    log = IterationLog(requests)
    counts = log.counts()
    if cost is not None:
        counts = log.counts(log.expected(counts, cost))
    return Observations.of(log.stretches(counts), log.handover(counts))


def observe_gangs(requests: pd.DataFrame) -> Observations:
    """Observe finished gangs of one replica whose requests' own ends are not known.

    Seen are each gang's prefill and its decoding.
    """
    stretches = []
    for _, gang in requests.groupby("batch_id"):
        prompt, output = (gang[n].to_numpy(np.int64) for n in ("prompt_tokens", "output_tokens"))
        first, end = float(gang["first_token_s"].max()), float(gang["finish_s"].max())
        start = float(gang["dispatch_s"].max())
        prefill = IterationGroup(1, int(prompt.sum()), len(gang), len(gang))
        squares = float((prompt**2).sum())
        stretches.append(Stretch(start, first - start, 0.0, squares, [prefill]))
        parts, kv_read = _decoding(prompt, output)
        if parts:
            stretches.append(Stretch(first, end - first, kv_read, 0.0, parts))
    return Observations.of(stretches)


def _decoding(prompt: Ints, output: Ints) -> tuple[list[IterationGroup], float]:
    """A gang's decoding, and the cache it reads: requests stop one after the other."""
    kv, running, done, kv_read, parts = int((prompt + 1).sum()), len(prompt), 1, 0.0, []
    for number in np.argsort(output, kind="stable"):
        steps = int(output[number]) - done
        if steps:
            parts.append(IterationGroup(steps, running, running))
            kv_read += kv * steps + running * steps * (steps - 1) / 2
            kv += steps * running
            done = int(output[number])
        kv -= int(prompt[number]) + done
        running -= 1
    return parts, kv_read
