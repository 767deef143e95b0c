"""Scores of settings: the worst drift's figures, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from driftsched.core.errors import DriftSchedError, InputError
from driftsched.experiments.sweeps import Workers, measure, scenario_at
from driftsched.experiments.tuning.asked import Tuning, low_is_good
from driftsched.scenario import Scenario, changed, with_length_step

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance

__all__ = ["Scores", "Settings", "Task", "all_scored", "means", "scored", "tried"]

Settings = dict[str, Any]
"""Parameter → value."""
Scores = list[list[float]]
"""A list an objective, of a value a seed."""


class Task(NamedTuple):
    """What a worker scores, and the number by which it says so."""

    number: int
    tuning: Tuning
    scenario: Scenario
    settings: Settings
    seeds: range


def tried(task: Task) -> tuple[int, Scores, str]:
    """Score a setting; one that cannot be has its reason."""
    try:
        return task.number, scored(task), ""
    except DriftSchedError as error:
        return task.number, [], str(error)


def scored(task: Task) -> Scores:
    """The worst drift's figures, seed by seed."""
    scores: Scores = [[] for _ in task.tuning.objectives]
    scenario = scenario_at(task.scenario, task.settings)
    for seed in task.seeds:
        each = [
            measure(with_length_step(changed(scenario, seed=seed), drift), 1)
            for drift in task.tuning.drifts
        ]
        for name, values in zip(task.tuning.objectives, scores, strict=True):
            worst = max if low_is_good(name) else min
            values.append(float(worst(figures[name] for figures in each)))
            if np.isnan(values[-1]):
                raise InputError(f"metric {name} has no meaning here, got nothing to measure")
    return scores


def all_scored(
    tuning: Tuning,
    asked: Sequence[tuple[Settings, Scenario, range]],
    by: Workers,
    progress: Advance,
) -> list[Scores]:
    """Score settings on scenarios and seeds, in the order asked; one that fails ends it all."""
    tasks = [
        Task(number, tuning, scenario, settings, seeds)
        for number, (settings, scenario, seeds) in enumerate(asked)
    ]
    found: dict[int, Scores] = {}
    for number, scores, reason in by.map_unordered(tried, tasks):
        if reason:
            raise InputError(reason)
        found[number] = scores
        progress(len(found) / len(tasks))
    return [found[number] for number in range(len(tasks))]


def means(scores: Scores) -> tuple[float, ...]:
    """The mean over the seeds of each objective."""
    return tuple(float(np.mean(values)) for values in scores)
