"""What will happen, before anybody asks for a run: one short run, and what it shows in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from driftsched.experiments.load import OfferedLoad, offered_load
from driftsched.results.marks import run_marks
from driftsched.results.queues import TOTAL, sample_queues
from driftsched.results.tables import codes_of, finished_rows
from driftsched.results.wording import counted
from driftsched.simulation import simulate
from driftsched.workload.drift import Drift, drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.streams import Streams
from driftsched.workload.table import nominal_starts, traffic_end_s

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = ["Finding", "Forecast", "arrival_rates", "forecast"]

MOST_REQUESTS = 10_000
"""So many are run at most: on either engine a matter of a second."""
BINS = 120
MOST_STRETCHES = 12
MOST_GOALS = 6
GROWTH, CROWD = 0.05, 0.1
"""Shares of a stretch's requests: by so much a queue grows; so many at once are a crowd."""
BURSTY, MOSTLY, MISSED = 2.0, 0.5, 0.05
LONG_S, LONGER = 0.2, 4.0
LEVELS = ("error", "warning", "info", "ok")
GOALS = {"ttft_s": "to the first token", "tpot_s": "a token", "e2e_s": "to the last token"}
LOST = {
    "rejected": "are rejected",
    "failed": "fail",
    "timed_out": "time out",
    "cancelled": "hang up",
}


@dataclass(frozen=True)
class Finding:
    """One sentence about what happens.

    Attributes
    ----------
    level : str
        error (cannot work), warning (will hurt), info (worth knowing), ok.
    about : str
        Where to look: a phase, a mark, a tenant, or end, goals, kv, drift, lengths, prefill.
    text : str
        The sentence.
    """

    level: Literal["error", "warning", "info", "ok"]
    about: str
    text: str


@dataclass(frozen=True)
class Forecast:
    """A short run of a scenario, as far as it is shown.

    Attributes
    ----------
    findings : tuple of Finding
        The worst first.
    requests : DataFrame
        category, prompt_tokens, output_tokens, base_tokens, drifted (came once drift had set in).
    arrivals, queues, gpus : DataFrame
        `arrival_rates`, and the run's tables, until the last of these requests comes.
    marks : list of (float, str)
        Phases, drift and events on the run's clock.
    share : float
        Which part of the requests was run, from the first one on.
    """

    findings: tuple[Finding, ...]
    requests: pd.DataFrame
    arrivals: pd.DataFrame
    queues: pd.DataFrame
    gpus: pd.DataFrame
    marks: list[tuple[float, str]]
    share: float


def forecast(scenario: Scenario, most: int = MOST_REQUESTS) -> Forecast:
    """Run the first `most` requests of a scenario, and say what becomes of them.

    Raises
    ------
    ScenarioError
        The model does not fit the GPU, or there is no request.
    TraceError
        The trace cannot be read.
    """
    whole = generate(scenario)
    workload = _first(whole, most)
    result = simulate(scenario, workload)
    requests, complete = result.requests, len(workload) == len(whole)
    # what follows is not the run's: there more come while the first are being served
    last_s = float(requests.loc[requests["attempt"] == 1, "arrival_s"].max())
    until_s = np.inf if complete else last_s
    found = [
        *_stretches(result, offered_load(scenario, whole)),
        *(_after(result) if complete else ()),
        *_memory(result),
        *_lost(result),
        *_goals(result),
        *_stalls(result),
        *_lengths(result),
        *_too_late(scenario, whole),
        *(_after_the_run(result) if complete else ()),
    ]
    return Forecast(
        tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level))),
        _requests(scenario, workload),
        arrival_rates(requests[requests["arrival_s"] <= until_s], scenario.tenant_names),
        result.queues[result.queues["time_s"] <= until_s],
        result.gpus[result.gpus["time_s"] <= until_s],
        [mark for mark in run_marks(result) if mark[0] <= until_s],
        len(workload) / len(whole),
    )


def _requests(scenario: Scenario, workload: Workload) -> pd.DataFrame:
    bases = np.array([category.base_tokens for category in scenario.categories])
    begins = min((at for at, _ in drift_marks(scenario, workload.segments)), default=np.inf)
    at_s = workload.arrival_s + np.array(nominal_starts(workload.segments))[workload.phases]
    return pd.DataFrame(
        {
            "category": np.array(scenario.category_names)[workload.category],
            "prompt_tokens": workload.prompt_tokens,
            "output_tokens": workload.output_tokens,
            "base_tokens": bases[workload.category],
            "drifted": at_s >= begins,
        }
    )


def _too_late(scenario: Scenario, workload: Workload) -> Iterator[Finding]:
    """Drift that begins when nothing comes any more."""
    ends = traffic_end_s(workload.segments)
    drift = Drift(scenario, Streams(scenario.seed, 1), nominal_starts(workload.segments))
    for event in scenario.drift:
        if (begins := drift.begins_s(event)) > ends:
            text = f"{event.title} at {begins:,.0f} s changes nothing: the traffic ends at"
            yield Finding("warning", "drift", f"{text} {ends:,.0f} s, its phases laid end to end.")


def _after_the_run(result: RunResult) -> Iterator[Finding]:
    """Events that come when the run is over."""
    ends = float(result.requests[["arrival_s", "finish_s"]].max().max())
    for event in result.scenario.events:
        first = min(event.moments(), key=lambda moment: moment.at_s, default=None)
        if first is not None and first.at_s > ends:
            text = f"{first.label} at {first.at_s:,.0f} s changes nothing: the run ends at"
            yield Finding("warning", "events", f"{text} {ends:,.0f} s.")


def _first(workload: Workload, most: int) -> Workload:
    """The first `most` requests; the phase in which they end ends with them."""
    if len(workload) <= most:
        return workload
    segments = tuple(
        replace(
            segment,
            stop=min(segment.stop, most),
            closed_first=first if (first := segment.closed_first) is None or first < most else None,
        )
        for segment in workload.segments
        if segment.first < most
    )
    return replace(workload.take(np.arange(most)), segments=segments, phase=None)


def arrival_rates(requests: pd.DataFrame, tenants: list[str], bins: int = BINS) -> pd.DataFrame:
    """Count arrivals, those of further attempts too, in equal intervals until the last one.

    Returns
    -------
    DataFrame
        time_s (middle of the interval), tenant, rate_rps: a row an interval and tenant.
    """
    at_s = requests["arrival_s"].to_numpy(np.float64)
    end_s = float(at_s.max()) or 1.0
    codes = codes_of(requests["tenant"], tenants)
    edges = np.linspace(0.0, end_s, bins + 1)
    counts, *_ = np.histogram2d(at_s, codes, [edges, np.arange(len(tenants) + 1) - 0.5])
    return pd.DataFrame(
        {
            "time_s": np.repeat((edges[1:] + edges[:-1]) / 2, len(tenants)),
            "tenant": tenants * bins,
            "rate_rps": counts.ravel() * bins / end_s,
        }
    )


def _stretches(result: RunResult, load: OfferedLoad) -> list[Finding]:
    """One sentence for each part of the traffic between two marks; the worst of very many."""
    arrival_s = result.requests["arrival_s"].to_numpy(np.float64)
    marks = run_marks(result)
    ends = [*(at for at, _ in marks[1:]), np.inf]
    rho = {phase.phase: phase.rho for phase in load.phases}
    found = []
    for (from_s, label), to_s in zip(marks, ends, strict=True):
        rows = np.flatnonzero((arrival_s >= from_s) & (arrival_s < to_s))
        if not len(rows):
            continue
        name = label.split(" · ")[0]
        start = f"ρ = {rho[name]:.2g}" if name in rho else f"from {from_s:.0f} s"
        level, said = _queue(result, rows, from_s)
        found.append(Finding(level, name, f"{label}: {start}: {said}"))
    found.sort(key=lambda finding: LEVELS.index(finding.level))
    return found[:MOST_STRETCHES]


def _queue(
    result: RunResult, rows: NDArray[np.int64], from_s: float
) -> tuple[Literal["warning", "info", "ok"], str]:
    """What the queue did from `from_s` until the last of the requests that came."""
    requests = result.requests.iloc[rows]
    last_s = float(requests["arrival_s"].max())
    changes = result.queues["time_s"].to_numpy(np.float64)
    inside = changes[(changes > from_s) & (changes < last_s)]
    waiting = _waiting(result, [from_s, *inside, last_s])
    before, after, peak = int(waiting[0]), int(waiting[-1]), int(waiting.max())
    waits = requests["queue_wait_s"].fillna(requests["finish_s"] - requests["arrival_s"])
    closed = bool((requests["user"] >= 0).all())
    if not closed and after - before >= max(5.0, GROWTH * len(rows)):
        return "warning", (
            f"the queue grows from {before:,} to {after:,} requests; who comes last waits about "
            f"{_seconds(float(waits.iloc[-20:].mean()))}."
        )
    if before >= 5 and after <= before / 2:
        return "info", f"the queue of {before:,} requests shrinks to {after:,}."
    text = f"up to {peak:,} wait at once, 99 % of all for less than "
    text += _seconds(float(waits.quantile(0.99)))
    if closed:
        return "ok", f"{text}; users wait for each other."
    gaps = np.diff(requests["arrival_s"])
    cv = float(gaps.std() / gaps.mean()) if len(gaps) > 100 else 0.0
    if cv >= BURSTY and peak >= 1:
        return "warning", f"{text}; requests come in bursts (gap CV {cv:.2g})."
    return ("warning" if peak >= max(10.0, CROWD * len(rows)) else "ok"), f"{text}."


def _waiting(result: RunResult, times: ArrayLike) -> NDArray[np.int64]:
    """Waiting requests of all tenants at each time."""
    return sample_queues(result.queues, times)[TOTAL].to_numpy(np.int64)


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.2g} s"


def _after(result: RunResult) -> Iterator[Finding]:
    """How long the run goes on when nothing comes any more."""
    last_s = float(result.requests["arrival_s"].max())
    waiting = int(_waiting(result, [last_s])[0])
    if waiting >= 5:
        more = _seconds(float(result.requests["finish_s"].max()) - last_s)
        text = f"When the traffic ends {waiting:,} still wait: the run goes on for {more}."
        yield Finding("info", "end", text)


def _memory(result: RunResult) -> Iterator[Finding]:
    requests, gpus, wanted = result.requests, result.gpus, result.scenario.engine.batch_size
    capacity = int(gpus["kv_capacity_tokens"].max())
    longest = requests["prompt_tokens"] + requests["max_output_tokens"]
    if (never := float((longest > capacity).mean())) > 0:
        text = f"{100 * never:.2g} % of the requests may need more than the KV cache of"
        yield Finding("error", "kv", f"{text} {capacity:,} tokens: they cannot be served.")
    most, preempted = int(gpus["running"].max()), int(requests["preemptions"].sum())
    full = 100 * float((gpus["kv_used_tokens"] / gpus["kv_capacity_tokens"]).max())
    text = f"KV cache of {capacity:,} tokens: at most {full:.2g} % of it was in use"
    waiting = int(_waiting(result, result.queues["time_s"]).max())
    if preempted:
        text += f", and requests were preempted {counted(preempted, 'time')}."
    elif most < wanted <= waiting:
        text += f": a batch of {wanted} is never reached, {most} ran together."
    else:
        yield Finding("ok", "kv", f"{text}, by {counted(most, 'request')} together.")
        return
    yield Finding("warning", "kv", text)


def _lost(result: RunResult) -> Iterator[Finding]:
    """Who gets no answer, and why; and who asks again."""
    requests = result.requests
    for tenant, mine in requests.groupby("tenant", observed=True):
        for status, lost in mine[mine["status"] != "finished"].groupby("status", observed=True):
            share = 100 * len(lost) / len(mine)
            why = lost["reason"].astype(str).mode().iloc[0]
            text = f"{tenant}: {share:.2g} % of the requests {LOST[str(status)]}: {why}."
            yield Finding("warning", str(tenant), text)
        again = int((mine["attempt"] > 1).sum())
        if again:
            share = 100 * again / (len(mine) - again)
            text = f"{tenant}'s clients ask again, which adds {share:.2g} % requests."
            yield Finding("warning", str(tenant), text)


def _goals(result: RunResult) -> Iterator[Finding]:
    """Goals that nobody meets, and those that many miss."""
    done = finished_rows(result.requests)
    missed = []
    for tenant in result.scenario.tenants:
        mine = done[done["tenant"] == tenant.name]
        for column, words in GOALS.items():
            goal, took = getattr(tenant.slo, column), mine[column].dropna()
            share = 0.0 if goal is None or took.empty else float((took > goal).mean())
            if share == 1:
                text = f"{tenant.name}'s SLO of {goal:g} s {words} is met by no answer: the"
                best = f"fastest took {took.min():.3g} s."
                yield Finding("warning", tenant.name, f"{text} {best}")
            elif share >= MISSED:
                missed.append(f"{tenant.name}'s {goal:g} s {words} by {100 * share:.2g} %")
    if missed:
        more = len(missed) - MOST_GOALS
        text = ", ".join(missed[:MOST_GOALS]) + (f", and {more} more" if more > 0 else "")
        yield Finding("info", "goals", f"SLOs are missed: {text} of the answers.")


def _stalls(result: RunResult) -> Iterator[Finding]:
    """How long a long prompt stops everybody else's answers, and what chunks would do."""
    engine, gpus = result.scenario.engine, result.gpus
    fullest = gpus.iloc[int(gpus["running"].argmax())]
    running, held = int(fullest["running"]), int(fullest["kv_used_tokens"])
    if engine.mode == "gang" or running < 2:
        return
    cost = result.scenario.cluster.machines[0].build_cost()

    def prefill_s(tokens: int) -> float:
        return cost.iteration(running + tokens, held, tokens * tokens, running + 1, 1)

    prompt = round(float(result.requests["prompt_tokens"].quantile(0.99)))
    whole_s, most = prefill_s(prompt), engine.max_num_batched_tokens
    if whole_s < LONG_S or whole_s < LONGER * cost.iteration(running, held):
        return
    text = f"A long prompt (P99: {prompt:,} tokens) is computed"
    if most is None or not engine.chunked_prefill:
        text += f" at once: for about {whole_s:.2g} s all other answers stand still; a bound on"
        yield Finding("info", "prefill", f"{text} the tokens in an iteration splits it.")
    else:
        text += f" in chunks: an iteration takes about {prefill_s(min(prompt, most)):.2g} s at most"
        yield Finding("ok", "prefill", f"{text} instead of {whole_s:.2g} s.")


def _lengths(result: RunResult) -> Iterator[Finding]:
    scenario = result.scenario
    if scenario.lengths == "capped" and scenario.trace is None:
        if scenario.drift:
            text = "Answers are capped at their maximum: drift of lengths changes nothing."
            yield Finding("warning", "drift", text)
        return
    done = finished_rows(result.requests)
    cut = done["output_tokens"] == done["max_output_tokens"]
    for name, share in cut.groupby(done["category"], observed=True).mean().items():
        if share > MOSTLY:
            text = f"{name}: {100 * share:.0f} % of the answers are cut at max_output_tokens."
            yield Finding("info", "lengths", text)
