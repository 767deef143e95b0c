"""What a scenario's traffic looks like before anything runs: arrivals and lengths as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import ScenarioError
from driftsched.traffic.arrivals import Poisson
from driftsched.workload.drift import drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.table import nominal_starts

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scenario.traffic import Phase
    from driftsched.workload.table import Workload

__all__ = [
    "arrival_preview",
    "drift_preview",
    "drifted_lengths",
    "length_preview",
    "preview_marks",
    "rate_preview",
    "sample_phase",
]


def arrival_preview(
    scenario: Scenario, bins: int = 120, workload: Workload | None = None
) -> pd.DataFrame:
    """Count the arrivals that the scenario's seed gives, by tenant over nominal time.

    Nominal time counts a drain as no time, since how long it takes depends on the run: a phase
    starts `pause_s` after the duration of the one before it. Nothing is given for pauses.

    Parameters
    ----------
    scenario : Scenario
        Its whole traffic is drawn, or its trace read.
    bins : int
        About how many intervals in all, at least 1; each phase has intervals of its own, at least
        one.
    workload : Workload, optional
        The traffic, where it has been drawn already.

    Returns
    -------
    DataFrame
        time_s (middle of the interval, seconds), phase, tenant, rate_rps (requests a second). A
        phase without duration, one request, counts as one second.

    Raises
    ------
    ScenarioError
        `bins` is under 1, or the scenario has no request.
    """
    _at_least_one("bins", bins)
    workload = generate(scenario) if workload is None else workload
    total_s = sum(segment.duration_s for segment in workload.segments)
    tenants = len(scenario.tenants)
    tables, start_s = [], 0.0
    for segment in workload.segments:
        share = segment.duration_s / total_s if total_s > 0 else 1.0
        parts = max(1, round(bins * share))
        width_s = (segment.duration_s or 1.0) / parts
        rows = slice(segment.first, segment.stop)
        place = np.minimum((workload.arrival_s[rows] / width_s).astype(np.int64), parts - 1)
        cells = place * tenants + workload.tenant[rows]
        counts = np.bincount(cells, minlength=parts * tenants)
        middle = start_s + (np.arange(parts) + 0.5) * width_s
        tables.append(
            pd.DataFrame(
                {
                    "time_s": np.repeat(middle, tenants),
                    "phase": segment.name,
                    "tenant": scenario.tenant_names * parts,
                    "rate_rps": counts / width_s,
                }
            )
        )
        start_s += segment.duration_s + segment.pause_s
    return pd.concat(tables, ignore_index=True)


def rate_preview(scenario: Scenario, points: int = 240) -> pd.DataFrame:
    """Give the expected arrival rates of phases over nominal time, by tenant, without drawing.

    Of a process that switches by chance (mmpp) it is the mean; of a closed loop the most that its
    users can ask for.

    Parameters
    ----------
    scenario : Scenario
        With phases; a trace has no rate but its own arrivals.
    points : int
        About how many times in all, at least two a phase.

    Returns
    -------
    DataFrame
        time_s, phase, tenant, rate_rps.
    """
    _at_least_one("points", points)
    spans = [
        phase.duration_s or (phase.requests or 0) / phase.rate_rps for phase in scenario.phases
    ]
    tables, start_s = [], 0.0
    for phase, span_s in zip(scenario.phases, spans, strict=True):
        time_s = np.linspace(0, span_s, max(2, round(points * span_s / sum(spans))))
        own = phase.tenant_arrivals or {}
        given = phase.shares or {tenant.name: tenant.share for tenant in scenario.tenants}
        shares = {
            name: 0.0 if name in own else given.get(name, 0.0) for name in scenario.tenant_names
        }
        total = sum(shares.values()) or 1.0
        for name in scenario.tenant_names:
            rate = np.zeros(len(time_s))
            if phase.arrivals is not None:
                rate = rate + phase.arrivals.rate_at(time_s) * shares[name] / total
            if name in own:
                rate = rate + own[name].rate_at(time_s)
            tables.append(
                pd.DataFrame(
                    {"time_s": start_s + time_s, "phase": phase.name, "tenant": name}
                    | {"rate_rps": rate}
                )
            )
        start_s += span_s + phase.pause_s
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def drift_preview(scenario: Scenario, bins: int = 60) -> pd.DataFrame:
    """Compare mean answer lengths with and without drift over nominal time, by category.

    Returns
    -------
    DataFrame
        time_s (middle of the interval), phase, category, output_tokens, undrifted_tokens, requests:
        one row an interval and category in which requests come.
    """
    _at_least_one("bins", bins)
    drifted = generate(scenario)
    plain = generate(scenario.model_copy(update={"drift": ()}))
    starts = nominal_starts(drifted.segments)
    total_s = starts[-1] + drifted.segments[-1].duration_s
    width_s = (total_s or 1.0) / bins
    phases = np.concatenate(
        [np.full(s.stop - s.first, number) for number, s in enumerate(drifted.segments)]
    )
    at_s = drifted.arrival_s + np.array(starts)[phases]
    names = np.array([segment.name for segment in drifted.segments])
    table = pd.DataFrame(
        {
            "time_s": (np.minimum(at_s // width_s, bins - 1) + 0.5) * width_s,
            "phase": names[phases],
            "category": np.array(scenario.category_names)[drifted.category],
            "output_tokens": drifted.output_tokens,
            "undrifted_tokens": plain.output_tokens,
        }
    )
    groups = table.groupby(["time_s", "phase", "category"], sort=True)
    means = groups[["output_tokens", "undrifted_tokens"]].mean()
    return means.assign(requests=groups.size()).reset_index()


def drifted_lengths(scenario: Scenario, workload: Workload | None = None) -> pd.DataFrame:
    """Lengths of the requests that come once the first drift event has begun.

    Returns
    -------
    DataFrame
        The columns of `length_preview`; no rows without drift.
    """
    workload = generate(scenario) if workload is None else workload
    begins = min((at for at, _ in drift_marks(scenario, workload.segments)), default=np.inf)
    starts = nominal_starts(workload.segments)
    counts = [segment.stop - segment.first for segment in workload.segments]
    return _lengths(
        scenario, workload, np.flatnonzero(workload.arrival_s + np.repeat(starts, counts) >= begins)
    )


def preview_marks(scenario: Scenario, workload: Workload | None = None) -> list[tuple[float, str]]:
    """Phases, drift and events on the nominal clock, as marks for a preview's charts."""
    segments = (generate(scenario) if workload is None else workload).segments
    phases = list(
        zip(nominal_starts(segments), (segment.name for segment in segments), strict=True)
    )
    events = [(m.at_s, m.label) for event in scenario.events for m in event.moments()]
    return sorted([*phases, *drift_marks(scenario, segments), *events])


def length_preview(scenario: Scenario, n: int = 2000) -> pd.DataFrame:
    """Draw lengths by the scenario's rules, equally many requests of each category in use.

    Equal numbers let rare categories be seen. Of a trace, `n` rows evenly spaced are taken, so its
    own mix remains.

    Parameters
    ----------
    scenario : Scenario
        Lengths are cut at max_output_tokens and the context as in `generate`.
    n : int
        Number of rows, at least 1; a shorter trace gives fewer.

    Returns
    -------
    DataFrame
        category, prompt_tokens, output_tokens, base_tokens.

    Raises
    ------
    ScenarioError
        `n` is under 1.
    """
    _at_least_one("n", n)
    if scenario.trace is not None:
        workload = generate(scenario)
        rows = np.unique(np.linspace(0, len(workload) - 1, n).astype(np.int64))
    else:
        used = [
            name
            for name in scenario.category_names
            if any(phase.mix.get(name, 0) > 0 for phase in scenario.phases)
        ]
        workload = sample_phase(scenario, 0, n, {name: 1 / len(used) for name in used})
        rows = np.arange(n)
    return _lengths(scenario, workload, rows)


def _lengths(scenario: Scenario, workload: Workload, rows: NDArray[np.int64]) -> pd.DataFrame:
    names = np.array(scenario.category_names)
    bases = np.array([category.base_tokens for category in scenario.categories])
    category = workload.category[rows]
    return pd.DataFrame(
        {
            "category": names[category],
            "prompt_tokens": workload.prompt_tokens[rows],
            "output_tokens": workload.output_tokens[rows],
            "base_tokens": bases[category],
        }
    )


def sample_phase(
    scenario: Scenario, phase: int, n: int, mix: dict[str, float] | None = None
) -> Workload:
    """Draw `n` requests of one phase without drift, in another `mix` if given.

    Only their lengths count: they come at a steady rate, whatever the phase's arrivals are.
    """
    changed: dict[str, object] = {"requests": n, "duration_s": None}
    if _needs_steady(scenario.phases[phase]):
        changed |= {"arrivals": Poisson(rate_rps=1.0), "tenant_arrivals": None}
    if mix is not None:
        changed["mix"] = mix
    only = scenario.phases[phase].model_copy(update=changed)
    return generate(scenario.model_copy(update={"phases": (only,), "drift": ()}))


def _needs_steady(phase: Phase) -> bool:
    """Whether a phase has arrivals that cannot be counted out for a sample."""
    return bool(phase.tenant_arrivals) or phase.closed or not phase.arrives_for_ever


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ScenarioError(f"{name} must be >= 1, got {value}")
