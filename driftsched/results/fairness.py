"""Who was served how much: Jain's index, weighted service, VTC's service gap."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from driftsched.core.arrays import Array, Bools, Floats, Ints
from driftsched.results.estimation_error import misclassified_share
from driftsched.results.outcomes import RunArrays
from driftsched.results.queues import sample_queues
from driftsched.results.tables import RunResult, codes_of, finished_rows

INPUT_WEIGHT, OUTPUT_WEIGHT = 1, 2
MOST_TENANTS = 16
POINTS = 400


def jain_index(service: ArrayLike) -> float:
    """Jain's fairness index (Σx)² / (n·Σx²): 1 is even, 1/n all to one; NaN of nothing.

    `service`, shape (n,), is what each got, >= 0, weight-normalised where weights differ (Jain,
    Chiu and Hawe, A Quantitative Measure of Fairness and Discrimination, DEC-TR-301, 1984).

    Raises
    ------
    ValueError
        When a value is negative or NaN.

    Examples
    --------
    >>> jain_index([1, 1, 1, 1]), jain_index([4, 0, 0, 0])
    (1.0, 0.25)
    """
    x = np.asarray(service, dtype=np.float64)
    if not (x >= 0).all():
        raise ValueError(f"service must be >= 0, got {x[~(x >= 0)][0]:g}")
    top = x.max(initial=0.0)
    if top == 0:
        return float(np.nan)
    x = x / top  # squares of huge or tiny services stay in range
    return float(x.sum() ** 2 / (len(x) * (x**2).sum()))


def weighted_service(result: RunResult) -> pd.DataFrame:
    """Service that each tenant got: input + 2·output tokens of its finished requests.

    The price of tokens is VTC's (Sheng et al., arXiv 2401.00588, §3). Where everything that is
    asked for is served in the end, service equals demand: then look at `service_gaps`.

    A row a tenant, in the scenario's order: tenant, weight, service_tokens, normalised_service
    (service / weight), normalised_share (share of all service over share of all weights: 1 is
    exactly its due). Jain's index of normalised_service is the run's.
    """
    scenario = result.scenario
    done = finished_rows(result.requests)
    codes = codes_of(done["tenant"], scenario.tenant_names)
    prompt, output = (done[f"{name}_tokens"].to_numpy(np.int64) for name in ("prompt", "output"))
    count = len(scenario.tenants)
    service = service_tokens(count, codes, prompt, output)
    weight = np.array([tenant.weight for tenant in scenario.tenants])
    normalised = service / weight
    total = service.sum()
    share = normalised * weight.sum() / total if total else np.full(count, np.nan)
    return pd.DataFrame(
        {
            "tenant": scenario.tenant_names,
            "weight": weight,
            "service_tokens": service.astype(np.int64),
            "normalised_service": normalised,
            "normalised_share": share,
        }
    )


def service_tokens(tenants: int, tenant: Array, prompt: Array, output: Array) -> Floats:
    """Sum input + 2·output tokens by tenant, (tenants,); arrays (n,), a finished request each."""
    tokens = INPUT_WEIGHT * prompt + OUTPUT_WEIGHT * output
    return np.bincount(tenant, tokens, tenants).astype(np.float64)


def fairness_summary(result: RunResult) -> dict[str, float]:
    """Jain's index and the service gap of a run, and the size classes behind them.

    jain_index (of weighted service), service_gap_tokens (the largest of any two tenants),
    misclassified_share (finished requests whose size class was not the estimated one).
    """
    gaps = service_gaps(result)["gap_tokens"]
    return {
        "jain_index": jain_index(weighted_service(result)["normalised_service"]),
        "service_gap_tokens": float(gaps.max()) if len(gaps) else 0.0,
        "misclassified_share": misclassified_share(result.requests),
    }


def service_gaps(result: RunResult) -> pd.DataFrame:
    """VTC's service gap by pair: tenant_a, tenant_b, gap_tokens; the greatest first.

    The gap is the largest abs(W_i(t1, t2) − W_j(t1, t2)) over all intervals in which both are
    backlogged throughout, that is, have a request waiting; 0 where there is none. W is service in
    input + 2·output tokens, counted as it is given: a prompt evenly from dispatch to first token,
    an answer evenly from first to last token, of finished requests. VTC bounds the gap by
    2·max(w_in·L_in, w_out·M), with the longest prompt L_in and the most tokens M in a batch (arXiv
    2401.00588). Of more than 16 tenants those with the most service are compared.
    """
    table = weighted_service(result)
    kept = table.nlargest(MOST_TENANTS, "service_tokens").sort_index()
    service, backlogged = _courses(result, kept["tenant"])
    rows = [
        (a, b, _largest_range(service[a] - service[b], backlogged[a] & backlogged[b]))
        for a, b in combinations(kept["tenant"], 2)
    ]
    gaps = pd.DataFrame(rows, columns=["tenant_a", "tenant_b", "gap_tokens"])
    return gaps.sort_values("gap_tokens", ascending=False, kind="stable", ignore_index=True)


def _courses(
    result: RunResult, tenants: Iterable[str]
) -> tuple[dict[str, Floats], dict[str, Bools]]:
    """Service of each tenant so far, and whether it has a request waiting, whenever these turn."""
    done = finished_rows(result.requests)
    moments = [done[name] for name in ("dispatch_s", "first_token_s", "finish_s")]
    times = np.unique(np.concatenate([result.queues["time_s"], *moments]))
    waiting = sample_queues(result.queues, times)
    service = {name: _service(done[done["tenant"] == name], times) for name in tenants}
    return service, {name: waiting[name].to_numpy() > 0 for name in service}


def _service(mine: pd.DataFrame, times: Floats) -> Floats:
    """Service that a tenant's requests had got by each time: a sum of ramps, (len(times),)."""
    dispatch, first, finish = (
        mine[name].to_numpy(np.float64) for name in ("dispatch_s", "first_token_s", "finish_s")
    )
    prompt, output = (mine[f"{of}_tokens"].to_numpy(np.float64) for of in ("prompt", "output"))
    return _ramps(dispatch, first, finish, prompt, output, times)


def _ramps(
    dispatch: Floats, first: Floats, finish: Floats, prompt: Floats, output: Floats, times: Floats
) -> Floats:
    start, stop = np.concatenate([dispatch, first]), np.concatenate([first, finish])
    tokens = np.concatenate([INPUT_WEIGHT * prompt, OUTPUT_WEIGHT * output])
    at_once = stop <= start
    total = _steps(start[at_once], tokens[at_once], times)
    start, stop, tokens = (part[~at_once] for part in (start, stop, tokens))
    rate = tokens / (stop - start)
    # Each ramp is rate·(t − start) from its start on, less rate·(t − stop) from its stop on.
    slope = _steps(start, rate, times) - _steps(stop, rate, times)
    offset = _steps(start, rate * start, times) - _steps(stop, rate * stop, times)
    return total + slope * times - offset


class _Lives(NamedTuple):
    """What `competition` looks at: of each request, (n,)."""

    tenant: Ints
    queued: Bools
    done: Bools
    moments: tuple[Floats, Floats, Floats, Floats]
    """Arrival, dispatch, first token, finish: seconds, NaN where it did not come to that."""
    tokens: tuple[Floats, Floats]
    """Of prompts and of answers."""


def competition(run: RunArrays, weight: Floats) -> tuple[Floats, float]:
    """Service while tenants compete, which depends on the policy also where all finish.

    A tenant competes while it and another have a request waiting; its due then is its weight's
    share of what those who compete get. It is looked at 400 even times.

    Returns
    -------
    share : array, shape (tenants,)
        Service over what was due; NaN for who never competes.
    gap : float
        The largest service gap of any two, in tokens over weight, as `service_gaps`.
    """
    work, went = run.workload, run.outcomes
    lives = _Lives(
        work.tenant,
        ~run.has_status("rejected"),
        run.has_status("finished"),
        (went.arrival_s, went.dispatch_s, went.first_token_s, went.finish_s),
        (work.prompt_tokens.astype(np.float64), work.output_tokens.astype(np.float64)),
    )
    return _competition(lives, weight)


def competition_in(result: RunResult) -> tuple[Floats, float]:
    """`competition` of a run's tables."""
    requests, scenario = result.requests, result.scenario
    status = requests["status"].to_numpy()

    def column(name: str) -> Floats:
        return requests[name].to_numpy(np.float64)

    lives = _Lives(
        codes_of(requests["tenant"], scenario.tenant_names),
        np.asarray(status != "rejected"),
        np.asarray(status == "finished"),
        (column("arrival_s"), column("dispatch_s"), column("first_token_s"), column("finish_s")),
        (column("prompt_tokens"), column("output_tokens")),
    )
    return _competition(lives, np.array([tenant.weight for tenant in scenario.tenants]))


def _competition(lives: _Lives, weight: Floats) -> tuple[Floats, float]:
    arrival, dispatch, first, finish = lives.moments
    times = np.linspace(0.0, float(np.nanmax(finish, initial=0.0)), POINTS + 1)
    left = np.where(np.isnan(dispatch), finish, dispatch)
    service, waiting = np.empty((2, len(weight), len(times)))
    for tenant in range(len(weight)):
        mine = lives.tenant == tenant
        came, gone = (np.sort(part[mine & lives.queued]) for part in (arrival, left))
        waiting[tenant] = came.searchsorted(times, "right") - gone.searchsorted(times, "right")
        kept = mine & lives.done
        prompt, output = (part[kept] for part in lives.tokens)
        service[tenant] = _ramps(dispatch[kept], first[kept], finish[kept], prompt, output, times)
    backlogged = waiting > 0
    both = backlogged[:, :-1] & backlogged[:, 1:]
    competes = both & (both.sum(axis=0) >= 2)
    got = np.where(competes, np.diff(service), 0.0)
    parts = np.where(competes, weight[:, None], 0.0)
    due = parts * got.sum(axis=0) / np.maximum(parts.sum(axis=0), 1e-12)
    with np.errstate(invalid="ignore"):
        share = got.sum(axis=1) / due.sum(axis=1)
    most = np.argsort(-service[:, -1], kind="stable")[:MOST_TENANTS]
    fair = service / weight[:, None]
    gaps = [
        _largest_range(fair[a] - fair[b], backlogged[a] & backlogged[b])
        for a, b in combinations(most, 2)
    ]
    return share, max(gaps, default=0.0)


def _steps(at: Floats, height: Floats, times: Floats) -> Floats:
    """Sum of the heights of all steps up to and including each time."""
    order = np.argsort(at, kind="stable")
    levels = np.concatenate([[0.0], np.cumsum(height[order])])
    summed: Floats = levels[np.searchsorted(at[order], times, side="right")]
    return summed


def _largest_range(difference: Floats, both: Bools) -> float:
    """Greatest max − min of the difference over a stretch of times joined by `both`."""
    inside = both[:-1]
    edges = np.diff(inside.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + 1
    if not len(starts):
        return 0.0
    # reduceat wants one flat list of bounds; every second stretch is the gap between two others.
    padded = np.append(difference, difference[-1])
    bounds = np.column_stack([starts, stops]).ravel()
    high = np.maximum.reduceat(padded, bounds)[::2]
    low = np.minimum.reduceat(padded, bounds)[::2]
    return float((high - low).max())
