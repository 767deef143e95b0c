"""What a scenario's traffic looks like before anything runs: arrivals and lengths as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from driftsched.errors import ScenarioError
from driftsched.workload.generate import generate

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = ["arrival_preview", "length_preview", "sample_phase"]


def arrival_preview(scenario: Scenario, bins: int = 120) -> pd.DataFrame:
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
    workload = generate(scenario)
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
    """Draw `n` requests of one phase, in another `mix` if given."""
    changed: dict[str, object] = {"requests": n, "duration_s": None}
    if mix is not None:
        changed["mix"] = mix
    only = scenario.phases[phase].model_copy(update=changed)
    return generate(scenario.model_copy(update={"phases": (only,)}))


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ScenarioError(f"{name} must be >= 1, got {value}")
