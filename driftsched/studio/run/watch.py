"""The run as it went, played in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.results.marks import run_marks
from driftsched.studio.live_view import live_view
from driftsched.studio.words import policy_label

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["watch"]


def watch(result: RunResult, run_id: str) -> None:
    """Draw the live view of a finished simulated run."""
    scenario = result.scenario
    tables = {
        "requests": result.requests,
        "queues": result.queues,
        "gpus": result.gpus,
        "learning": result.learning,
    }
    title = f"{scenario.title or scenario.name}, {policy_label(scenario.policy.kind)}"
    live_view(run_id, title, tables, marks=run_marks(result), key="live")
