"""DriftSched (arXiv 2606.02982): the experiment that the studio began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from driftsched.experiments.papers.base import Paper, Reproduction
from driftsched.experiments.reproduce import reproduce
from driftsched.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance


def judge(
    scenarios: Mapping[str, Scenario], seeds: int, progress: Advance | None = None
) -> Reproduction:
    """Repeat it with the scenario's own switches."""
    (scenario,) = scenarios.values()
    unit, mode, lengths = scenario.estimator.unit, scenario.engine.mode, scenario.lengths
    return reproduce(
        scenario, seeds=seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
    )


PAPER = Paper(
    "DriftSched",
    "arXiv 2606.02982",
    "Which results of DriftSched (arXiv 2606.02982) can be had again, and why do others differ?",
    {"paper": load_scenario("paper")},
    judge,
)
