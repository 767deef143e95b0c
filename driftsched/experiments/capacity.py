"""What a cluster can take: the highest load at which a goal holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import inf, sqrt
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from driftsched.core.errors import InputError
from driftsched.experiments.ensemble import part
from driftsched.experiments.load import offered_load
from driftsched.results.wording import with_interval
from driftsched.scenario import with_length_step, with_load

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance
    from driftsched.experiments.goal import Goal
    from driftsched.results import Estimate
    from driftsched.scenario import Scenario

__all__ = ["Capacity", "capacities", "capacity", "length_headroom", "measured"]

FIRST, MOST_SEEDS = 8, 128
START, STEP, REACH = 0.7, 1.5, 64.0
"""The search begins at this share of what the hardware can serve, goes by this factor, so far."""
GRID = 0.1
"""Neighbouring loads are so near to each other, as a part of the precision aimed at."""
LOOKS = 10
"""About so many loads are looked at."""

Vary = Callable[[float], "Scenario"]
X = TypeVar("X", int, float)


class Capacity(NamedTuple):
    """How far something can be raised until a goal fails.

    Attributes
    ----------
    value, low, high : float
        Factor on today's, and the ends of its 95 % interval: at `low` the goal surely holds, at
        `high` it surely does not. 0 and infinity are beyond what was looked at.
    seeds : int
        Replications behind each figure.
    """

    value: float
    low: float
    high: float
    seeds: int

    @property
    def known(self) -> bool:
        """Whether it lies within what was looked at."""
        return 0 < self.value < inf

    def __str__(self) -> str:
        """Such as 1.42 (1.38–1.46)."""
        if self.known:
            return with_interval(self.value, self.low, self.high)
        return f"{'more' if self.value else 'less'} than all that was tried"

    def of(self, today: float) -> Capacity:
        """The same as multiples of what `today` is, requests a second say."""
        return Capacity(self.value * today, self.low * today, self.high * today, self.seeds)


def capacity(
    scenario: Scenario,
    goal: Goal,
    *,
    precision: float = 0.02,
    most_seeds: int = MOST_SEEDS,
    progress: Advance | None = None,
) -> Capacity:
    """Find the highest load at which a goal holds, as a factor on the scenario's.

    At each load the goal's figure has a 95 % interval over the replications. The interval of the
    capacity is that of the loads at which it contains the bound (a test turned round), so it covers
    as often as that of the figure does, however many loads were looked at. Replications are doubled
    until it is narrow enough.

    Parameters
    ----------
    precision : float
        Half the interval's width over the value that is aimed at.
    most_seeds : int
        Replications at most, at least 2.
    progress : callable, optional
        Called before each load with the share that is done of what may be needed, 0 to 1; what it
        raises ends the search.

    Raises
    ------
    InputError
        When the goal or a number is wrong, or the scenario cannot run.
    """
    start = START / offered_load(scenario).peak.rho
    vary = partial(with_load, scenario)
    return _search(vary, goal, start, precision, most_seeds, progress)


def capacities(
    variants: Mapping[str, Scenario],
    goal: Goal,
    *,
    precision: float = 0.02,
    most_seeds: int = MOST_SEEDS,
    progress: Advance | None = None,
) -> dict[str, Capacity]:
    """Find the `capacity` of each of several scenarios, policies say, by their names."""
    tell = progress or (lambda _: None)
    return {
        name: capacity(
            scenario,
            goal,
            precision=precision,
            most_seeds=most_seeds,
            progress=part(tell, place, len(variants)),
        )
        for place, (name, scenario) in enumerate(variants.items())
    }


def length_headroom(
    scenario: Scenario,
    goal: Goal,
    *,
    precision: float = 0.05,
    most_seeds: int = MOST_SEEDS,
    progress: Advance | None = None,
) -> Capacity:
    """Find by how much all answers may become longer until a goal fails; see `capacity`."""
    longer = partial(with_length_step, scenario, at_s=0.0)
    return _search(longer, goal, 1.0, precision, most_seeds, progress)


def _search(
    vary: Vary,
    goal: Goal,
    start: float,
    precision: float,
    most_seeds: int,
    progress: Advance | None,
) -> Capacity:
    if most_seeds < 2 or not precision > 0:
        raise InputError(
            f"seeds must be >= 2 and precision > 0, got {most_seeds} and {precision:g}"
        )
    first = seeds = min(FIRST, most_seeds)
    while True:

        def tell(share: float, before: int = seeds - first, now: int = seeds) -> None:
            if progress is not None:
                progress((before + share * now) / (2 * most_seeds - first))

        def looked_at(factor: float, now: int = seeds) -> Estimate:
            return goal.measure(vary(factor), now)

        found = _found(measured(looked_at, tell), goal, start, seeds, GRID * precision)
        if found.low > 0 and found.high - found.low <= 2 * precision * found.value:
            return found
        if seeds >= most_seeds or not found.known:
            return found
        start, seeds = found.value, min(2 * seeds, most_seeds)


def measured(measure: Callable[[X], Estimate], progress: Advance | None) -> Callable[[X], Estimate]:
    """Remember what `measure` gives; before each new call tell of progress, which nears 1."""
    known: dict[X, Estimate] = {}

    def once(x: X) -> Estimate:
        if x not in known:
            if progress is not None:
                progress(len(known) / (len(known) + LOOKS))
            known[x] = measure(x)
        return known[x]

    return once


def _found(
    measure: Callable[[float], Estimate], goal: Goal, start: float, seeds: int, near: float
) -> Capacity:
    holds, fails = _edge(lambda x: goal.holds(measure(x)), start, near)
    if holds == 0 or fails == inf:
        return Capacity(inf if holds else 0.0, holds, fails, seeds)
    low, _ = _edge(lambda x: goal.surely(measure(x)), holds, near)
    _, high = _edge(lambda x: goal.possibly(measure(x)), holds, near)
    return Capacity(sqrt(holds * fails), low, high, seeds)


def _edge(holds: Callable[[float], bool], start: float, near: float) -> tuple[float, float]:
    """Two neighbours of which the first holds and the second does not; 0, or infinity, for none."""
    step, low, high = 1 + 10 * near, start, start
    while holds(high):
        low, high, step = high, high * step, min(step**2, STEP)
        if high > start * REACH:
            return low, inf
    while low == high or not holds(low):
        high, low, step = low, low / step, min(step**2, STEP)
        if low < start / REACH:
            return 0.0, high
    while high > low * (1 + near):
        middle = sqrt(low * high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
