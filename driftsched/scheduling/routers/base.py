"""What a router is: it sends an admitted request to one of several queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftsched.core.config import Config

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["Loads", "Router", "RouterSpec"]


@dataclass(frozen=True)
class Loads:
    """What each replica has been sent and has not ended yet; the gateway keeps it.

    Attributes
    ----------
    requests : list of int
        Requests waiting or running.
    tokens : list of int
        Sum of their total token budgets, as estimated at admission.
    """

    requests: list[int]
    tokens: list[int]


class Router:
    """State of one run; `route` may read requests and loads but not change them."""

    def route(self, request: Request, among: Sequence[int]) -> int:
        """Return one of the replica numbers in `among`, which are ascending and never none."""
        raise NotImplementedError  # pragma: no cover - every subclass defines it


class RouterSpec(Config):
    """Common base of the routers' parameters; subclasses define `build`."""

    kind: str

    def build(self, loads: Loads, seed: int) -> Router:
        """Return a fresh router; `seed` is the scenario's."""
        raise NotImplementedError  # pragma: no cover - every registered kind defines it


def next_after(number: int, among: Sequence[int]) -> int:
    """The first of `among` after `number`, in a circle.

    >>> next_after(1, [0, 1, 3]), next_after(3, [0, 1, 3])
    (3, 0)
    """
    return next((one for one in among if one > number), among[0])
