"""Scenario events: faults and operations of the cluster while a run goes on.

A new kind is one class here and one line in `EVENTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

from pydantic import Field, model_validator

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.traffic.durations import MOST_S, Timed

__all__ = [
    "EVENTS",
    "Autoscale",
    "Drain",
    "EventBase",
    "Operations",
    "Outage",
    "ScaleIn",
    "ScaleOut",
    "ScenarioEvent",
    "ScheduledAction",
    "SlowDown",
    "Spell",
]


class Operations(Protocol):
    """What can be done to a cluster; replicas by number."""

    def fail(self, number: int, *, requeue: bool) -> None:
        """Let a replica go down; requests in it are requeued or fail."""

    def repair(self, number: int) -> None:
        """Let it come back."""

    def slow(self, number: int, factor: float) -> None:
        """Multiply the time of its iterations by `factor`."""

    def unslow(self, number: int, factor: float) -> None:
        """End a slow-down by `factor`."""

    def drain(self, number: int) -> None:
        """Give it no new requests."""

    def resume(self, number: int) -> None:
        """Give it new requests again."""

    def scale_out(self, replicas: int, start_up_s: float) -> None:
        """Add replicas, which are open after their start-up."""

    def scale_in(self, replicas: int) -> None:
        """Let replicas end what they run and leave."""

    def autoscale(self, rule: Autoscale) -> None:
        """Add and take away replicas by a rule from now on."""


Act = Callable[[Operations], None]


class ScheduledAction(NamedTuple):
    """A time in seconds, what is done then, and how charts call it."""

    at_s: float
    act: Act
    label: str


class EventBase(Timed):
    """Common base of the kinds; subclasses define `moments`."""

    kind: str

    def moments(self) -> tuple[ScheduledAction, ...]:
        """What is done when, in order of time."""
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

    def _spell(self, begin: Act, during: str, end: Act, after: str) -> tuple[ScheduledAction, ...]:
        """Its moments: what is done at both ends, and what the replica is from then on."""
        first = ScheduledAction(self.from_s, begin, f"replica {self.replica} {during}")
        if self.to_s is None:
            return (first,)
        return first, ScheduledAction(self.to_s, end, f"replica {self.replica} {after}")


class Outage(Spell):
    """The replica loses what it computed; the iteration under way is lost too.

    `requeue` gives its running requests back to the gateway, to be computed again from their
    prompts; `fail` ends them. Requests that wait go to other replicas either way.
    """

    kind: Literal["outage"] = "outage"
    requests: Literal["requeue", "fail"] = Field(
        "requeue", description="what becomes of the requests in it"
    )

    def moments(self) -> tuple[ScheduledAction, ...]:
        return self._spell(
            lambda cluster: cluster.fail(self.replica, requeue=self.requests == "requeue"),
            "down",
            lambda cluster: cluster.repair(self.replica),
            "back",
        )


class SlowDown(Spell):
    """Iterations that begin in this time take `factor` times as long."""

    kind: Literal["slow_down"] = "slow_down"
    factor: float = Field(2.0, gt=0, le=1000, description="iterations take this many times as long")

    def moments(self) -> tuple[ScheduledAction, ...]:
        return self._spell(
            lambda cluster: cluster.slow(self.replica, self.factor),
            f"{self.factor:g}× slower",
            lambda cluster: cluster.unslow(self.replica, self.factor),
            "normal",
        )


class Drain(Spell):
    """No new requests: a router sends it none, and it draws none from a central queue.

    What runs goes on, and so does what waits in the replica's own queue.
    """

    kind: Literal["drain"] = "drain"

    def moments(self) -> tuple[ScheduledAction, ...]:
        return self._spell(
            lambda cluster: cluster.drain(self.replica),
            "drains",
            lambda cluster: cluster.resume(self.replica),
            "open",
        )


def _replicas(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"


class ScaleOut(EventBase):
    """New replicas, like the cluster's last one; each takes requests after its start-up.

    One that is about to leave is kept instead, and is open at once.
    """

    kind: Literal["scale_out"] = "scale_out"
    at_s: float = Field(ge=0, le=MOST_S)
    replicas: int = Field(1, ge=1, le=1000, description="how many are added")
    start_up_s: float = Field(
        60.0, ge=0, le=MOST_S, description="until a new replica takes requests"
    )

    def moments(self) -> tuple[ScheduledAction, ...]:
        def act(cluster: Operations) -> None:
            cluster.scale_out(self.replicas, self.start_up_s)

        return (ScheduledAction(self.at_s, act, f"+{_replicas(self.replicas)}"),)

    def faster(self, factor: float) -> Self:
        """Return the same at a time that meets the same requests; a start takes its time."""
        return self.model_copy(update={"at_s": self.at_s / factor})

    def adds(self, replicas: int) -> int:
        return self.replicas


class ScaleIn(EventBase):
    """The replicas with the highest numbers end what they run, and leave; one always stays.

    What waits in their own queues goes to other replicas at once.
    """

    kind: Literal["scale_in"] = "scale_in"
    at_s: float = Field(ge=0, le=MOST_S)
    replicas: int = Field(1, ge=1, le=1000, description="how many leave")

    def moments(self) -> tuple[ScheduledAction, ...]:
        def act(cluster: Operations) -> None:
            cluster.scale_in(self.replicas)

        return (ScheduledAction(self.at_s, act, f"-{_replicas(self.replicas)}"),)


class Autoscale(EventBase):
    """Every `every_s`, one replica is added or leaves by the waiting requests per open replica.

    New ones are like the cluster's last one; the one with the highest number leaves, as by
    `scale_in`.
    """

    kind: Literal["autoscale"] = "autoscale"
    add_above: float = Field(
        8.0, ge=0, le=1e9, description="waiting requests per open replica above which one is added"
    )
    remove_below: float = Field(
        1.0, ge=0, le=1e9, description="waiting requests per open replica below which one leaves"
    )
    min_replicas: int = Field(1, ge=1, le=1000)
    max_replicas: int = Field(4, ge=1, le=1000)
    every_s: float = Field(5.0, ge=0.1, le=MOST_S, description="time between two checks")
    start_up_s: float = Field(
        60.0, ge=0, le=MOST_S, description="until a new replica takes requests"
    )
    cool_down_s: float = Field(
        60.0, ge=0, le=MOST_S, description="after a change no other for so long"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Autoscale:
        if self.remove_below > self.add_above:
            raise ValueError(
                f"remove_below must be <= add_above ({self.add_above:g}), got {self.remove_below:g}"
            )
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas must be >= min_replicas ({self.min_replicas}), "
                f"got {self.max_replicas}"
            )
        return self

    def moments(self) -> tuple[ScheduledAction, ...]:
        return (ScheduledAction(0.0, lambda cluster: cluster.autoscale(self), "autoscaler on"),)

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
        each = waiting / max(serving, 1)
        if replicas < self.min_replicas or (each > self.add_above and replicas < self.max_replicas):
            return 1
        return -1 if each < self.remove_below and replicas > self.min_replicas else 0

    def faster(self, factor: float) -> Self:
        """Return the same: its checks and starts take their time whatever the traffic."""
        return self

    def adds(self, replicas: int) -> int:
        return max(self.max_replicas - replicas, 0)


EVENTS: Registry[type[EventBase]] = Registry("scenario event")
EVENTS.add("outage", Outage)
EVENTS.add("slow_down", SlowDown)
EVENTS.add("drain", Drain)
EVENTS.add("scale_out", ScaleOut)
EVENTS.add("scale_in", ScaleIn)
EVENTS.add("autoscale", Autoscale)

if TYPE_CHECKING:
    ScenarioEvent = EventBase
else:
    ScenarioEvent = by_kind(EVENTS)
