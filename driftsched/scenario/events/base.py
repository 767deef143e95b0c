"""What every scenario event is: something that is done to the cluster at stated times."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from driftsched.core.config import Config

__all__ = ["MOST_S", "EventBase", "Operations", "ScalingRule", "ScheduledAction", "Spell"]

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

    def scale_out(self, replicas: int, start_up_s: float) -> None:
        """Add replicas, which are open after their start-up."""
        ...

    def scale_in(self, replicas: int) -> None:
        """Let replicas end what they run and leave."""
        ...

    def autoscale(self, rule: ScalingRule) -> None:
        """Add and take away replicas by a rule from now on."""
        ...


class ScalingRule(Protocol):
    """When an autoscaler looks, and what it does."""

    @property
    def every_s(self) -> float:
        """Time between two checks."""
        ...

    @property
    def start_up_s(self) -> float:
        """From adding a replica until it is open."""
        ...

    @property
    def cool_down_s(self) -> float:
        """After a change, none for so long."""
        ...

    def wanted(self, waiting: int, serving: int, replicas: int) -> int:
        """Say 1 to add a replica, -1 to take one away, 0 to leave things alone.

        Parameters
        ----------
        waiting : int
            Requests that wait, wherever they do.
        serving : int
            Replicas that take requests.
        replicas : int
            Replicas in the cluster: open, starting or down, and not about to leave.
        """
        ...


class ScheduledAction(NamedTuple):
    """A time in seconds, what is done then, and how charts call it."""

    at_s: float
    act: Callable[[Operations], None]
    label: str


class EventBase(Config):
    """Common base of the kinds; subclasses define `moments` and `named`."""

    kind: str

    def moments(self) -> tuple[ScheduledAction, ...]:
        """What is done when, in order of time."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def faster(self, factor: float) -> Self:
        """Copy for traffic that comes `factor` times as fast: it meets the same requests."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def adds(self, replicas: int) -> int:
        """How many replicas it can add at most to a cluster that begins with `replicas`."""
        return 0

    @property
    def named(self) -> tuple[int, ...]:
        """Numbers of the replicas it names."""
        return ()


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

    def faster(self, factor: float) -> Self:
        to_s = None if self.to_s is None else self.to_s / factor
        return self.model_copy(update={"from_s": self.from_s / factor, "to_s": to_s})

    def spell(
        self, begin: ScheduledAction, end: ScheduledAction | None
    ) -> tuple[ScheduledAction, ...]:
        """The beginning, and the end where there is one."""
        return (begin,) if self.to_s is None or end is None else (begin, end)
