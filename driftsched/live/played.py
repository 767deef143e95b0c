"""A scenario as a live run plays it: its clients' times scaled, without the modelled cluster.

A time scale slows down or hurries those who ask: when they come, how long they think, wait and
pause. The server's side (limits, batch wait, aging) and the engine go by the wall clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from driftsched.workload.drift import drift_marks

if TYPE_CHECKING:
    from driftsched.scenario.clients import Patience, Retries
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Segment

__all__ = ["drift_so_far", "left_out", "live_scenario"]


def live_scenario(scenario: Scenario, time_scale: float = 1.0) -> Scenario:
    """Return the scenario with its clients' time limits and pauses scaled, and without events.

    Parameters
    ----------
    scenario : Scenario
    time_scale : float
        2 plays twice as slowly.
    """
    tenants = tuple(
        tenant.model_copy(
            update={
                "patience": _patience(tenant.patience, time_scale),
                "retries": _retries(tenant.retries, time_scale),
            }
        )
        for tenant in scenario.tenants
    )
    return scenario.model_copy(update={"tenants": tenants, "events": ()})


def left_out(scenario: Scenario) -> str:
    """Say what of a scenario a live run does not play; empty where it plays all.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> left_out(load_scenario("replica-outage")).split(".")[0]
    'Not played live: outage, slow down'
    """
    kinds = dict.fromkeys(event.kind.replace("_", " ") for event in scenario.events)
    if not kinds:
        return ""
    return (
        f"Not played live: {', '.join(kinds)}. Such events happen to modelled replicas; "
        "a real engine is what it is."
    )


def drift_so_far(
    scenario: Scenario,
    segments: Sequence[Segment],
    starts_s: Sequence[float],
    time_scale: float,
    now_s: float,
) -> list[tuple[float, str]]:
    """Return when drift set in, up to `now_s`: (seconds of the run, label), in order of time.

    Parameters
    ----------
    scenario : Scenario
        As it was written; drift stands on its nominal clock.
    segments : sequence of Segment
        The live workload's phases, scaled.
    starts_s : sequence of float
        When those that have begun did.
    time_scale, now_s : float
    """
    written = [
        replace(
            segment,
            duration_s=segment.duration_s / time_scale,
            pause_s=segment.pause_s / time_scale,
        )
        for segment in segments
    ]
    marks = drift_marks(scenario, written, starts_s, time_scale)
    return [(at, label) for at, label in marks if at <= now_s]


def _patience(patience: Patience, factor: float) -> Patience:
    names = ("first_token_timeout_s", "timeout_s")
    limits = {name: getattr(patience, name) for name in names}
    return patience.model_copy(
        update={name: limit * factor for name, limit in limits.items() if limit is not None}
    )


def _retries(retries: Retries, factor: float) -> Retries:
    names = ("backoff_s", "max_backoff_s")
    return retries.model_copy(update={name: getattr(retries, name) * factor for name in names})
