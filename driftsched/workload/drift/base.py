"""What every drift event has in common: when it begins, whom it concerns, how it changes traffic.

The clock of drift is nominal time: seconds since the workload begins, with phases laid end to end
as in the previews: each lasts its duration_s (one bounded by requests: until its last arrival) and
its pause_s, and a drain takes no time, since how long it takes is not known before the run. With
`phase` the clock starts at that phase instead. So an event always meets the same requests, whatever
the policy; in a run's charts it stands where those requests really came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from driftsched.core.config import Config

__all__ = ["BoolArray", "DriftBase", "FloatArray", "IntArray", "LengthDrift", "Rows"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Row = Annotated[str, Field(min_length=1, max_length=40)]
MOST_S = 10_000_000


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


class DriftBase(Config):
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

    def faster(self, factor: float) -> Self:
        """Return the same event with its time axis shortened by `factor`."""
        times = {name: value for name, value in self if name.endswith("_s") and value is not None}
        return self.model_copy(update={name: value / factor for name, value in times.items()})

    @property
    def title(self) -> str:
        """The label, or the event's own words."""
        return self.label or self.words()


class LengthDrift(DriftBase):
    """Common base of events that multiply lengths."""

    of: Literal["output", "prompt", "both"] = Field("output", description="lengths concerned")
