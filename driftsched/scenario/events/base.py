"""What every scenario event is: something that is done to the cluster at stated times."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from pydantic import Field, model_validator

from driftsched.config import Config

__all__ = ["MOST_S", "EventBase", "Moment", "Operations", "Spell"]

MOST_S = 10_000_000


class Operations(Protocol):
    """What can be done to a cluster; replicas by number."""

    def fail(self, number: int, *, requeue: bool) -> None:
        """Let a replica go down; requests in it are requeued or fail."""
        ...

    def repair(self, number: int) -> None:
        """Let it come back."""
        ...

    def slow(self, number: int, factor: float) -> None:
        """Multiply the time of its iterations by `factor`."""
        ...

    def unslow(self, number: int, factor: float) -> None:
        """End a slow-down by `factor`."""
        ...

    def drain(self, number: int) -> None:
        """Give it no new requests."""
        ...

    def resume(self, number: int) -> None:
        """Give it new requests again."""
        ...


class Moment(NamedTuple):
    """A time in seconds, what is done then, and how charts call it."""

    at_s: float
    act: Callable[[Operations], None]
    label: str


class EventBase(Config):
    """Common base of the kinds; subclasses define `moments` and `named`."""

    kind: str

    def moments(self) -> tuple[Moment, ...]:
        """What is done when, in order of time."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    @property
    def named(self) -> tuple[int, ...]:
        """Numbers of the replicas it concerns."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


class Spell(EventBase):
    """Common base of what happens to one replica for a while."""

    replica: int = Field(ge=0, description="number of the replica, from 0")
    from_s: float = Field(ge=0, le=MOST_S)
    to_s: float | None = Field(None, gt=0, le=MOST_S, description="None: for the rest of the run")

    @model_validator(mode="after")
    def _in_order(self) -> Spell:
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s must be > from_s ({self.from_s:g}), got {self.to_s:g}")
        return self

    @property
    def named(self) -> tuple[int, ...]:
        return (self.replica,)

    def spell(self, begin: Moment, end: Moment | None) -> tuple[Moment, ...]:
        """The beginning, and the end where there is one."""
        return (begin,) if self.to_s is None or end is None else (begin, end)
