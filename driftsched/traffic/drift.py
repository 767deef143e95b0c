"""Drift: events that change lengths or the mix while the traffic goes on.

Each kind is a frozen value object; a new one is one class here and one line in `DRIFTS`.

The clock of drift is nominal time: seconds since the workload begins, with phases laid end to end
as in the previews: each lasts its duration_s (one bounded by requests: until its last arrival) and
its pause_s, and a drain takes no time, since how long it takes is not known before the run. With
`phase` the clock starts at that phase instead. So an event always meets the same requests, whatever
the policy; in a run's charts it stands where those requests really came.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from driftsched.core.config import Shares, by_kind
from driftsched.core.registry import Registry
from driftsched.traffic.durations import MOST_S, Timed
from driftsched.traffic.families import FloatArray

__all__ = [
    "DRIFTS",
    "BoolArray",
    "DriftBase",
    "DriftEvent",
    "HeavyTail",
    "IntArray",
    "MixShift",
    "NewModel",
    "Ramp",
    "RandomWalk",
    "Rows",
    "Seasonal",
    "Step",
]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Row = Annotated[str, Field(min_length=1, max_length=40)]
MOST_STEPS = 1_000_000
SERVEGEN_SD = 0.41


@dataclass(frozen=True)
class Rows:
    """Requests that an event concerns; shapes (n,).

    Attributes
    ----------
    since_s : float array
        Seconds since the event began, 0 or more.
    tenant : int array
        Indices of the tenants.
    place : int array
        Position of each request in its phase: draws for it come from there.
    phase : int
        Number of the phase they belong to.
    generator : callable
        Parts → a seeded generator; the same parts give the same stream again.
    """

    since_s: FloatArray
    tenant: IntArray
    place: IntArray
    phase: int
    generator: Callable[..., np.random.Generator]

    def walk(self, tenant: int) -> np.random.Generator:
        """Return a stream of one tenant's own, the same in every phase."""
        return self.generator(0, tenant)

    def uniform(self, part: int) -> FloatArray:
        """Draw a uniform number for each request, by its place, so that scopes do not move it."""
        n = int(self.place.max()) + 1 if len(self.place) else 0
        return self.generator(1, part, self.phase).random(n)[self.place]


class DriftBase(Timed):
    """Common base: subclasses define `factors`, or `mixed` where they change the mix."""

    kind: str
    at_s: float = Field(0.0, ge=0, le=MOST_S, description="when it begins, on the nominal clock")
    phase: Row | None = Field(None, description="at_s counts from this phase's start")
    tenants: tuple[Row, ...] = Field((), max_length=1000, description="concerned; none named: all")
    categories: tuple[Row, ...] = Field((), max_length=100, description="likewise")
    label: str = Field("", max_length=60, description="on charts; empty: made from the numbers")

    changes_mix: ClassVar[bool] = False

    def factors(self, rows: Rows) -> FloatArray:
        """Return what each request's length is multiplied by; shape (n,)."""
        return np.ones(len(rows.since_s))

    def words(self) -> str:
        """Name the event in a few words, for charts."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def ends(self) -> tuple[tuple[float, str], ...]:
        """Later moments worth a mark: seconds after the beginning, and words."""
        return ()

    @property
    def title(self) -> str:
        """The label, or the event's own words."""
        return self.label or self.words()


class LengthDrift(DriftBase):
    """Common base of events that multiply lengths."""

    of: Literal["output", "prompt", "both"] = Field("output", description="lengths concerned")


class Step(LengthDrift):
    """Lengths jump to `factor` times their own, for `for_s` seconds or for good."""

    kind: Literal["step"] = "step"
    factor: float = Field(gt=0, le=1000)
    for_s: float | None = Field(None, gt=0, le=MOST_S, description="none: for good")

    def factors(self, rows: Rows) -> FloatArray:
        on = rows.since_s < (math.inf if self.for_s is None else self.for_s)
        return np.where(on, self.factor, 1.0)

    def words(self) -> str:
        return f"lengths ×{self.factor:g}"

    def ends(self) -> tuple[tuple[float, str], ...]:
        return () if self.for_s is None else ((self.for_s, f"end of {self.title}"),)


class Ramp(LengthDrift):
    """Lengths grow in a straight line to `factor` times their own over `over_s`, and stay there."""

    kind: Literal["ramp"] = "ramp"
    factor: float = Field(gt=0, le=1000)
    over_s: float = Field(gt=0, le=MOST_S)

    def factors(self, rows: Rows) -> FloatArray:
        return 1 + (self.factor - 1) * np.minimum(rows.since_s / self.over_s, 1.0)

    def words(self) -> str:
        return f"lengths slowly ×{self.factor:g}"

    def ends(self) -> tuple[tuple[float, str], ...]:
        return ((self.over_s, f"×{self.factor:g} reached"),)


class Seasonal(LengthDrift):
    """Lengths swing: 1 + amplitude · sin(2π t / period_s) times their own."""

    kind: Literal["seasonal"] = "seasonal"
    amplitude: float = Field(gt=0, lt=1)
    period_s: float = Field(gt=0, le=MOST_S)

    def factors(self, rows: Rows) -> FloatArray:
        return 1 + self.amplitude * np.sin(2 * np.pi * rows.since_s / self.period_s)

    def words(self) -> str:
        return f"lengths swing by {100 * self.amplitude:.0f} %"


class RandomWalk(LengthDrift):
    """Each tenant's lengths wander on their own: a mean-reverting walk of ln(factor).

    From one step to the next x ← memory · x + √(1 − memory²) · sd · N(0, 1), starting at 0. So the
    spread between moments far apart is `sd`. In ServeGen's m-large trace (arXiv 2505.09999) the
    standard deviation of ln(mean output over 6 h) inside a client has P10/P50/P90 0.04/0.41/1.06.
    """

    kind: Literal["random_walk"] = "random_walk"
    sd: float = Field(SERVEGEN_SD, gt=0, le=3, description="of ln(factor) in the long run")
    every_s: float = Field(60.0, gt=0, le=MOST_S, description="length of a step")
    memory: float = Field(0.9, ge=0, lt=1, description="share that a step keeps of the last")

    def factors(self, rows: Rows) -> FloatArray:
        steps = (rows.since_s / self.every_s).astype(np.int64)
        factors = np.ones(len(steps))
        for tenant in np.unique(rows.tenant):
            mine = rows.tenant == tenant
            walk = self._walk(rows.walk(int(tenant)), min(int(steps[mine].max()), MOST_STEPS))
            factors[mine] = np.exp(walk[np.minimum(steps[mine], MOST_STEPS)])
        return factors

    def _walk(self, rng: np.random.Generator, steps: int) -> FloatArray:
        """ln(factor) at steps 0 … `steps`."""
        fresh = math.sqrt(1 - self.memory**2) * self.sd * rng.standard_normal(steps)
        walk = [0.0]
        for value in fresh.tolist():
            walk.append(self.memory * walk[-1] + value)
        return np.array(walk)

    def words(self) -> str:
        return f"lengths wander (sd {self.sd:g})"


class NewModel(LengthDrift):
    """A new model version answers: all lengths times `factor`, at once or by a canary roll-out."""

    kind: Literal["new_model"] = "new_model"
    factor: float = Field(gt=0, le=1000)
    rollout_s: float = Field(
        0.0, ge=0, le=MOST_S, description="until all requests get it; their share grows evenly"
    )

    def factors(self, rows: Rows) -> FloatArray:
        if self.rollout_s == 0:
            return np.full(len(rows.since_s), self.factor)
        new = rows.uniform(0) < rows.since_s / self.rollout_s
        return np.where(new, self.factor, 1.0)

    def words(self) -> str:
        return f"new model ×{self.factor:g}"

    def ends(self) -> tuple[tuple[float, str], ...]:
        return ((self.rollout_s, "roll-out complete"),) if self.rollout_s else ()


class HeavyTail(LengthDrift):
    """An outbreak of very long requests: a `share` of them becomes a Pareto variable times longer.

    The multiple is at least 1 with P(multiple > x) = x^−alpha: the smaller alpha, the longer.
    """

    kind: Literal["heavy_tail"] = "heavy_tail"
    share: float = Field(0.05, gt=0, le=1, description="of the requests concerned")
    alpha: float = Field(1.2, ge=0.5, le=10)
    for_s: float | None = Field(None, gt=0, le=MOST_S, description="none: for good")

    def factors(self, rows: Rows) -> FloatArray:
        on = rows.since_s < (math.inf if self.for_s is None else self.for_s)
        hit = on & (rows.uniform(0) < self.share)
        return np.where(hit, (1 - rows.uniform(1)) ** (-1 / self.alpha), 1.0)

    def words(self) -> str:
        return f"heavy tail, {100 * self.share:g} %"

    def ends(self) -> tuple[tuple[float, str], ...]:
        return () if self.for_s is None else ((self.for_s, f"end of {self.title}"),)


class MixShift(DriftBase):
    """The mix of categories moves to another one, at once or over `over_s`.

    A request keeps its draw, so only those whose category has to change do.
    """

    kind: Literal["mix_shift"] = "mix_shift"
    mix: Shares = Field(description="category → share of the requests")
    over_s: float = Field(0.0, ge=0, le=MOST_S)

    changes_mix: ClassVar[bool] = True

    def shifted(self, since_s: FloatArray) -> FloatArray:
        """How far the mix has moved at each time, 0 to 1; 0 before the beginning."""
        if self.over_s == 0:
            return (since_s >= 0).astype(np.float64)
        return np.clip(since_s / self.over_s, 0.0, 1.0)

    def words(self) -> str:
        most = max(self.mix, key=lambda name: self.mix[name])
        return f"mix shifts to {100 * self.mix[most]:.0f} % {most}"

    def ends(self) -> tuple[tuple[float, str], ...]:
        return ((self.over_s, "mix shifted"),) if self.over_s else ()


DRIFTS: Registry[type[DriftBase]] = Registry("drift event")
DRIFTS.add("step", Step)
DRIFTS.add("ramp", Ramp)
DRIFTS.add("seasonal", Seasonal)
DRIFTS.add("random_walk", RandomWalk)
DRIFTS.add("new_model", NewModel)
DRIFTS.add("mix_shift", MixShift)
DRIFTS.add("heavy_tail", HeavyTail)

if TYPE_CHECKING:
    DriftEvent = DriftBase
else:
    DriftEvent = by_kind(DRIFTS)
