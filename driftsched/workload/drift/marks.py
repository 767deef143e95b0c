"""Where drift stands on a time axis: labelled moments for charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from driftsched.workload.table import Segment, nominal_starts

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario

__all__ = ["drift_marks"]


def drift_marks(
    scenario: Scenario,
    segments: Sequence[Segment],
    starts_s: Sequence[float] | None = None,
    pace: float = 1.0,
) -> list[tuple[float, str]]:
    """Return the moments of all drift events: (time in seconds, label), in order of time.

    Parameters
    ----------
    scenario : Scenario
        Its drift events.
    segments : sequence of Segment
        The workload's phases.
    starts_s : sequence of float, optional
        When each phase really started in a run; the nominal clock where it is not given. A moment
        is moved with the phase that it falls into; it is left out where that has not started.
    pace : float
        Seconds of the run for a nominal one, inside a phase.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> event = "drift=[{kind: step, factor: 2, at_s: 20, phase: stress}]"
    >>> segments = [Segment("learning", 0, 9, 100.0, True, 15.0), Segment("stress", 9, 19, 30.0)]
    >>> drift_marks(load_scenario("paper", [event]), segments)
    [(135.0, 'lengths ×2')]
    >>> drift_marks(load_scenario("paper", [event]), segments, [0.0, 400.0])
    [(420.0, 'lengths ×2')]
    >>> drift_marks(load_scenario("paper", [event]), segments, [0.0, 400.0], 0.5)
    [(410.0, 'lengths ×2')]
    """
    nominal = nominal_starts(segments)
    names = [segment.name for segment in segments]
    real = nominal if starts_s is None else starts_s
    marks = []
    for event in scenario.drift:
        begins = event.at_s
        if event.phase is not None:
            begins += nominal[names.index(event.phase)]
        for after, label in ((0.0, event.title), *event.ends()):
            at = begins + after
            inside = max((n for n, start in enumerate(nominal) if start <= at), default=0)
            if inside < len(real):
                marks.append((real[inside] + pace * (at - nominal[inside]), label))
    return sorted(marks)
