"""One scenario repeated with other seeds, for the intervals of a single run's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from driftsched.experiments.compare import collect
from driftsched.experiments.replicate import replications
from driftsched.results import mean_interval

if TYPE_CHECKING:
    from driftsched.scenario import Scenario
    from driftsched.simulation.traffic import Progress

__all__ = ["COMPLETED", "repeat"]

COMPLETED = "completed_share"
"""Share of the submitted requests that finished, beside the metrics' own names."""


def repeat(
    scenario: Scenario, seeds: int, metrics: Sequence[str], *, progress: Progress | None = None
) -> dict[str, tuple[float, float, float]]:
    """Run a scenario with several seeds under its own policy.

    Parameters
    ----------
    scenario : Scenario
        Its seed is the first.
    seeds : int
        How many.
    metrics : sequence of str
        Names as in `Comparison.interval`, or `COMPLETED`.
    progress : callable, optional
        Called with the share of the work done, 0 to 1; what it raises ends the repetition.

    Returns
    -------
    dict
        Metric → its value over all seeds and the ends of its 95 % interval.

    Raises
    ------
    InputError
        When `seeds` is below 1, or the scenario cannot run.
    """
    policy = scenario.policy.kind
    comparison = collect(scenario, replications({policy: scenario}, seeds, progress))
    found = {m: comparison.interval(policy, m) for m in metrics if m != COMPLETED}
    if COMPLETED in metrics:
        done, asked = (comparison.values(policy, name) for name in ("completed", "submitted"))
        found[COMPLETED] = mean_interval(done / np.maximum(asked, 1))
    return found
