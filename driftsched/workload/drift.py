"""Drift events on a scenario's clock: what they do to its requests, where charts mark them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from driftsched.core.arrays import Bools, Floats, Ints
from driftsched.scenario.model import Scenario
from driftsched.traffic.drift import DriftBase, LengthDrift, MixShift, Rows
from driftsched.workload.streams import Streams, pick_by_share
from driftsched.workload.table import Segment, nominal_starts, traffic_end_s


class Drift:
    """The drift events of a scenario on the nominal clock, on which phases start at `starts_s`.

    `streams` are for what is left to chance.
    """

    def __init__(self, scenario: Scenario, streams: Streams, starts_s: Sequence[float]) -> None:
        self._events = scenario.drift
        self._streams = streams
        self._starts_s = list(starts_s)
        self._phases = [phase.name for phase in scenario.phases]
        self._tenants = scenario.tenant_names
        self._categories = scenario.category_names

    def begins_s(self, event: DriftBase) -> float:
        """When an event begins on the nominal clock."""
        start = 0.0 if event.phase is None else self._starts_s[self._phases.index(event.phase)]
        return start + event.at_s

    def factors(
        self, of: str, phase: int, time_s: Floats, tenant: Ints, category: Ints
    ) -> Floats | None:
        """What each length of a phase is multiplied by, (n,); None where no event concerns them.

        `of` is "prompt" or "output"; `time_s` counts since the phase began.
        """
        product: Floats | None = None
        for number, event in enumerate(self._events):
            if not isinstance(event, LengthDrift) or event.of not in (of, "both"):
                continue
            since_s = self._since(event, phase, time_s)
            mine = np.flatnonzero((since_s >= 0) & self._concerned(event, tenant, category))
            generator = partial(self._streams.get, "drift", 0, number)
            rows = Rows(since_s[mine], tenant[mine], mine.astype(np.int64), phase, generator)
            if len(mine):
                product = np.ones(len(time_s)) if product is None else product
                product[mine] *= event.factors(rows)
        return product

    def categories(
        self,
        phase: int,
        time_s: Floats,
        tenant: Ints,
        uniform: Floats,
        mix: list[float],
    ) -> Ints:
        """Pick categories by uniform draws from a mix that events may shift; shape (n,)."""
        shifts = [event for event in self._events if isinstance(event, MixShift)]
        if not shifts:
            return pick_by_share(uniform, mix)
        # One row a request: the share of each category at that moment.
        shares = np.tile(np.array(mix) / sum(mix), (len(time_s), 1))
        for event in shifts:
            target = np.array([event.mix.get(name, 0.0) for name in self._categories])
            moved = event.shifted(self._since(event, phase, time_s))
            moved = np.where(self._concerned(event, tenant, None), moved, 0.0)[:, None]
            shares = (1 - moved) * shares + moved * target / target.sum()
        bounds = np.cumsum(shares, axis=1)[:, :-1]
        picked = (uniform[:, None] >= bounds).sum(axis=1).astype(np.int64)
        # Rounding may leave the last bound under 1; no draw is past the last share there is.
        last = shares.shape[1] - 1 - np.argmax(shares[:, ::-1] > 0, axis=1)
        return np.asarray(np.minimum(picked, last), dtype=np.int64)

    def _since(self, event: DriftBase, phase: int, time_s: Floats) -> Floats:
        return time_s + (self._starts_s[phase] - self.begins_s(event))

    def _concerned(self, event: DriftBase, tenant: Ints, category: Ints | None) -> Bools:
        found = np.ones(len(tenant), dtype=np.bool_)
        if event.tenants:
            found &= np.isin(tenant, [self._tenants.index(name) for name in event.tenants])
        if event.categories and category is not None:
            known = [self._categories.index(name) for name in event.categories]
            found &= np.isin(category, known)
        return found


def drift_marks(
    scenario: Scenario,
    segments: Sequence[Segment],
    starts_s: Sequence[float] | None = None,
    pace: float = 1.0,
) -> list[tuple[float, str]]:
    """Return the moments of all drift events: (time in seconds, label), in order of time.

    `starts_s` says when each of the workload's phases really started in a run; it is the nominal
    clock where it is not given. A moment is moved with the phase that it falls into; it is left out
    where that has not started, and where the traffic has ended: it changes no request. `pace` is
    seconds of the run for a nominal one, inside a phase.

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
    end = traffic_end_s(segments)
    marks = []
    for event in scenario.drift:
        begins = event.at_s
        if event.phase is not None:
            begins += nominal[names.index(event.phase)]
        for after, label in ((0.0, event.title), *event.ends()):
            at = begins + after
            inside = max((n for n, start in enumerate(nominal) if start <= at), default=0)
            if inside < len(real) and at <= end:
                marks.append((real[inside] + pace * (at - nominal[inside]), label))
    return sorted(marks)
