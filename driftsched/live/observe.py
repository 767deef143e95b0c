"""From per-request times to iterations: what a calibration is fitted to.

An API shows when each request gave its first and its last token, and how many it gave. All
requests in an engine advance by one token an iteration, so that those times are boundaries of
iterations, and the counts say how many iterations lie between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.live.course import Course
from driftsched.live.observations import Observations, Part

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult
    from driftsched.serving.iteration import IterationCost

__all__ = ["came_through", "observe", "observe_gangs", "observe_run"]

Ints = NDArray[np.int64]


def observe_run(result: RunResult, cost: IterationCost | None = None) -> Observations:
    """Observe a run, simulated or live, all its replicas together.

    In a live run those who ran and did not finish were in the engine too, as long as they were.

    Parameters
    ----------
    result : RunResult
        The run.
    cost : IterationCost, optional
        What is known already of the engine; see `observe`.

    Raises
    ------
    InputError
        Fewer than two requests finished with more than one token.
    """
    done = result.requests[came_through(result.requests)]
    gangs = result.scenario.engine.mode == "gang" and "last_token_s" not in done.columns
    replicas = [mine for _, mine in done.groupby("replica") if len(mine) > 1]
    found = [observe_gangs(mine) if gangs else observe(mine, cost) for mine in replicas]
    if not found or not sum(map(len, found)):
        raise InputError(
            "a run must have at least 2 finished requests of 2 tokens or more to calibrate from"
        )
    first, *others = found
    for other in others:
        first = first.joined(other)
    return first


def came_through(requests: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which requests finished, or gave tokens whose number and times were measured."""
    finished = (requests["status"] == "finished").to_numpy(dtype=bool)
    if "last_token_s" not in requests.columns:
        return finished
    gave = requests["last_token_s"].notna() & (requests["output_tokens"] > 0)
    return finished | gave.to_numpy(dtype=bool)


def observe_gangs(requests: pd.DataFrame) -> Observations:
    """Observe gangs whose requests' own ends are not known: each gang's prefill and its decoding.

    Parameters
    ----------
    requests : DataFrame
        Finished requests of one replica.
    """
    rows = []
    for _, gang in requests.groupby("batch_id"):
        prompt, output = (gang[n].to_numpy(np.int64) for n in ("prompt_tokens", "output_tokens"))
        first, end = float(gang["first_token_s"].max()), float(gang["finish_s"].max())
        start = float(gang["dispatch_s"].max())
        prefill = Part(1, int(prompt.sum()), len(gang), len(gang))
        rows.append((start, first - start, 0.0, float((prompt**2).sum()), [prefill]))
        parts, kv_read = _shrinking(prompt, output)
        if parts:
            rows.append((first, end - first, kv_read, 0.0, parts))
    return Observations.build(rows)


def _shrinking(prompt: Ints, output: Ints) -> tuple[list[Part], float]:
    """A gang's decoding: requests stop one after the other."""
    kv, running, done, kv_read, parts = int((prompt + 1).sum()), len(prompt), 1, 0.0, []
    for number in np.argsort(output, kind="stable"):
        steps = int(output[number]) - done
        if steps:
            parts.append(Part(steps, running, running))
            kv_read += kv * steps + running * steps * (steps - 1) / 2
            kv += steps * running
            done = int(output[number])
        kv -= int(prompt[number]) + done
        running -= 1
    return parts, kv_read


def observe(requests: pd.DataFrame, cost: IterationCost | None = None) -> Observations:
    """Observe requests of one replica by their own first and last tokens.

    Parameters
    ----------
    requests : DataFrame
        dispatch_s, first_token_s, last_token_s (or finish_s), prompt_tokens, output_tokens of the
        requests that finished; cached_tokens, where it is there, were not computed.
    cost : IterationCost, optional
        What is known already: where the requests' token counts leave room, iterations are spread by
        it and no more by the requests' mean pace.
    """
    course = Course(requests)
    steps = course.steps()
    if cost is not None:
        steps = course.steps(course.expected(steps, cost))
    return Observations.build(course.rows(steps), course.handover(steps))
