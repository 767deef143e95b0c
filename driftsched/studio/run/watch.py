"""The run as it went, played in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.charts.theme import category_colours, tenant_colours
from driftsched.results.marks import run_marks
from driftsched.studio.live_view import live_view, run_payload
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
    colours = category_colours(scenario.category_names) | tenant_colours(scenario.tenant_names)
    payload = run_payload(run_id, title, tables, colours, marks=run_marks(result))
    live_view(payload, key="live")
