"""What clients need of the world they act in, simulated or real: a clock, and who serves them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from driftsched.gateway.gateway import Gateway
    from driftsched.scheduling.request import Request

__all__ = [
    "ARRIVALS",
    "EVENTS",
    "GIVE_UPS",
    "REPLICAS",
    "Call",
    "Progress",
    "Service",
    "Timekeeper",
    "Timer",
]

ARRIVALS, EVENTS, GIVE_UPS, REPLICAS = 0, 1, 2, 3
"""Order of what falls on one instant: arrivals, then scenario events, then clients who give up,
then replica 0, 1, 2, …"""

Call = Callable[[Any], None]
"""What happens at an appointment, which is handed to it."""


Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1; it may raise to stop the run."""


class Timer(Protocol):
    """An appointment that was made."""

    def cancel(self) -> None:
        """Let the time pass without the call."""
        ...


class Timekeeper(Protocol):
    """A clock that keeps appointments at exact times, and in a stated order at one instant."""

    @property
    def now(self) -> float:
        """Seconds since the run's start, in an appointment: the very time it was made for."""
        ...

    def at(self, time_s: float, order: int, call: Call) -> Timer:
        """Call `call(appointment)` at `time_s`, lower `order` first at one instant."""
        ...


class Service(Protocol):
    """Whoever stands behind the gateway: modelled replicas, or a real engine."""

    @property
    def gateway(self) -> Gateway:
        """Takes the requests in, and tells of their ends."""
        ...

    @property
    def empty(self) -> bool:
        """Whether no request waits or runs."""
        ...

    def arrived(self, requests: Sequence[Request], now: float) -> None:
        """Take note of requests that were submitted just now."""
        ...

    def give_up(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request whose client leaves: at once where it waits, else as soon as may be."""
        ...
