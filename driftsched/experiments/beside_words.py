"""Runs side by side in words: what each is called, and the sentence that says what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from driftsched.experiments.side_by_side import SideBySide, is_live
from driftsched.results import PairedChange, RunResult
from driftsched.results.statistics import latency_verdict
from driftsched.results.wording import joined
from driftsched.scheduling.policies import POLICIES

__all__ = ["how_sure", "metric_words", "run_names", "sentence"]

NAMES: tuple[Callable[[RunResult], str], ...] = (
    lambda run: POLICIES[run.scenario.policy.kind].label,
    lambda run: "live" if is_live(run) else "",
    lambda run: run.scenario.title or run.scenario.name,
    lambda run: f"seed {run.scenario.seed}",
)
"""What may be said of a run, the shortest first."""
MEASURES = {
    "e2el": "latency",
    "ttft": "time to first token",
    "tpot": "time per token",
    "queue_wait": "queue wait",
}
OTHERS = {
    "request_throughput": "throughput (requests/s)",
    "slo_attainment": "SLOs met",
    "jain_index": "Jain's index",
}
MOST_NAMED = 3


def run_names(results: Sequence[RunResult]) -> list[str]:
    """Names that tell runs apart: the policy, with as much more as is needed, else a number.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> from driftsched.simulation import simulate
    >>> small = load_scenario("paper", ["phases.0.requests=9", "phases.1.requests=9"])
    >>> run_names([simulate(small)] * 2)
    ['FIFO', 'FIFO (2)']
    """
    told: list[tuple[str, ...]] = [()] * len(results)
    for say in NAMES:
        more = [say(result) for result in results]
        # said of all where it tells some apart that are not told apart yet
        longer = [(*one, word) for one, word in zip(told, more, strict=True)]
        if len(set(longer)) > len(set(told)) or say is NAMES[0]:
            told = longer
        if len(set(told)) == len(told):
            break
    names = [", ".join(word for word in one if word) for one in told]
    seen = Counter[str]()
    for place, name in enumerate(names):
        seen[name] += 1
        names[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def metric_words(metric: str) -> str:
    """A metric as people say it: "P99 latency", "median queue wait"."""
    if metric in OTHERS:
        return OTHERS[metric]
    figure, _, measure = metric.removesuffix("_ms").partition("_")
    return f"{'median' if figure == 'p50' else figure.replace('p', 'P')} {MEASURES[measure]}"


def sentence(table: pd.DataFrame, baseline: str, metric: str) -> str:
    """What differs from the baseline and for whom, each change with its interval.

    It is about the run where the latency `metric` is least beside the baseline, of those whose
    difference can be told, if there are any. `table` is that of `SideBySide.table`; what is to be
    seen first stands between two asterisks on either side.
    """
    rows = table[(table["metric"] == metric) & (table["run"] != baseline)]
    overall = _changes(rows[rows["scope"] == "overall"], "run")
    known = [run for run, one in overall.items() if one.significant] or overall
    best = min(known, key=lambda run: np.nan_to_num(overall[run].mean, nan=np.inf))
    tenants = _changes(rows[(rows["scope"] == "tenant") & (rows["run"] == best)], "name")
    verdict = latency_verdict(overall[best]) or "no difference can be told"
    said = f"**{best} against {baseline}: {metric_words(metric)} {verdict}**"
    told = {name: one for name, one in tenants.items() if one.significant}
    for sign, word in ((-1, "gains"), (1, "pays")):
        names = [name for name, one in told.items() if sign * one.mean > 0]
        names.sort(key=lambda name: -abs(told[name].mean))
        if len(tenants) > 1 and names:
            said += f"; {_whose(names, tenants, word)}"
    if len(tenants) > 1 and not told and overall[best].significant:
        said += "; for no tenant alone it can be told"
    return f"{said}."


def _changes(rows: pd.DataFrame, key: str) -> dict[str, PairedChange]:
    ends = rows[[key, "change", "change_low", "change_high"]]
    return {
        str(key): PairedChange(mean, low, high, 0)
        for key, mean, low, high in ends.itertuples(index=False, name=None)
    }


def _whose(names: Sequence[str], tenants: dict[str, PairedChange], word: str) -> str:
    parts = [f"{name} ({latency_verdict(tenants[name])})" for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        parts.append(f"{len(names) - MOST_NAMED} more")
    return f"{joined(parts)} {word if len(parts) == 1 else word.removesuffix('s')}"


def how_sure(beside: SideBySide) -> str:
    """What the intervals rest on, and which runs are paired with the baseline."""
    if beside.seeds > 1:
        rest = (
            f"95 % intervals over {beside.seeds} replications of each run, itself and the next "
            "seeds; figures are of all of them together (percentiles: Woodruff's; the rest: "
            "Student's t). "
        )
    else:
        rest = (
            "95 % intervals are those that one run allows by itself: batch means past the "
            "warm-up, where it reaches a steady state and is long enough. "
        )
    paired = [run for run in beside.others if beside.paired(run)]
    apart = [run for run in beside.others if not beside.paired(run)]
    why = "had the very requests" if beside.seeds == 1 else "had the seeds"
    if paired:
        rest += f"{joined(paired)} {why} of {beside.baseline}: differences are paired (jackknife). "
    if apart:
        rest += f"{joined(apart)} had others than {beside.baseline}: differences are not paired."
    return rest.strip()
