"""How many GPUs a goal needs, by kind, and what that many can bear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from driftsched.core.errors import InputError, ScenarioError
from driftsched.experiments.capacity import Capacity, capacity, length_headroom, measured
from driftsched.experiments.ensemble import part
from driftsched.results.wording import counted
from driftsched.scenario import changed

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance
    from driftsched.experiments.goal import Goal
    from driftsched.results import Estimate
    from driftsched.scenario import Scenario

__all__ = ["Fleet", "fewest_gpus", "prices_of"]

MOST_REPLICAS = 256


@dataclass(frozen=True)
class Fleet:
    """How many replicas of a GPU a goal needs.

    Attributes
    ----------
    gpu : str
        Its name.
    replicas : int or None
        The fewest with which the goal holds, 95 % sure; None where there are none.
    least : int
        With fewer it surely does not; between the two the seeds do not tell.
    gpus : int
        Of all these replicas together.
    price_per_hour : float or None
        Of all of them, where the price of a GPU is known.
    growth, longer : Capacity or None
        What they can bear: `capacity`, and `length_headroom`; no `longer` where lengths are those
        of a trace, or always the maximum.
    reason : str
        Why there are none.
    """

    gpu: str
    replicas: int | None
    least: int
    gpus: int = 0
    price_per_hour: float | None = None
    growth: Capacity | None = None
    longer: Capacity | None = None
    reason: str = ""

    def __str__(self) -> str:
        """How many, how sure, what they cost and can bear."""
        if self.replicas is None or self.growth is None:
            return self.reason
        said = f"{counted(self.replicas, 'replica')}, {counted(self.gpus, 'GPU')}, 95 % sure"
        if self.price_per_hour is not None:
            said += f", {self.price_per_hour:.4g} an hour"
        fewer = "fewer" if self.least == self.replicas else f"fewer than {self.least}"
        said += f"; {fewer} surely fail"
        if self.growth.known:
            said += f". Load may become {self.growth} times"
            if self.longer is not None and self.longer.known:
                said += f", answers {self.longer} times as long"
        return f"{said}."


def prices_of(text: str) -> dict[str, float | None]:
    """Read ``L4=0.7,H100``: GPUs, and where it is known the price of an hour of each.

    Raises
    ------
    InputError
        When no GPU is named, or a price is no number, or below 0.
    """
    prices: dict[str, float | None] = {}
    for each in filter(None, (word.strip() for word in text.split(","))):
        gpu, sign, price = each.partition("=")
        try:
            prices[gpu] = float(price) if sign else None
        except ValueError:
            raise InputError(f"gpus: price of {gpu} must be a number, got {price!r}") from None
        if sign and not 0 <= float(price) < inf:
            raise InputError(f"gpus: price of {gpu} must be from 0 on, got {price}")
    if not prices:
        raise InputError(f"gpus must name at least one, as in L4=0.7,H100, got {text!r}")
    return prices


def fewest_gpus(
    scenario: Scenario,
    goal: Goal,
    prices: Mapping[str, float | None],
    *,
    seeds: int = 16,
    most: int = MOST_REPLICAS,
    progress: Advance | None = None,
) -> list[Fleet]:
    """Find for each GPU in `prices` (an hour's, or None) the fewest replicas for today's traffic.

    Raises
    ------
    InputError
        When the cluster has pools, a GPU is unknown, or the goal is wrong. A GPU that the model
        does not fit has its reason in its `Fleet`.
    """
    if scenario.cluster.pools:
        raise InputError("cluster.pools must be empty where GPUs are counted, got some")
    for gpu in prices:
        scenario.cluster.find_gpu(gpu)
    tell = progress or (lambda _: None)
    return [
        _fleet(scenario, goal, gpu, price, seeds, most, part(tell, place, len(prices)))
        for place, (gpu, price) in enumerate(prices.items())
    ]


def _fleet(
    scenario: Scenario,
    goal: Goal,
    gpu: str,
    price: float | None,
    seeds: int,
    most: int,
    progress: Advance,
) -> Fleet:
    counting, growing, stretching = (part(progress, place, 3) for place in range(3))

    def counted(replicas: int) -> Estimate:
        return goal.measure(_sized(scenario, gpu, replicas), seeds)

    measure = measured(counted, counting)
    try:
        enough = _fewest(lambda n: goal.surely(measure(n)), most)
        least = _fewest(lambda n: goal.possibly(measure(n)), enough or most)
    except ScenarioError as error:
        return Fleet(gpu, None, 0, reason=str(error))
    if enough is None:
        reason = f"{goal} does not surely hold with {most} replicas"
        return Fleet(gpu, None, least or most, reason=reason)
    own = _sized(scenario, gpu, enough)
    gpus = enough * own.cluster.tensor_parallel
    stretched = own.trace is None and own.lengths == "natural"
    return Fleet(
        gpu,
        enough,
        least or enough,
        gpus,
        None if price is None else price * gpus,
        capacity(own, goal, precision=0.05, most_seeds=seeds, progress=growing),
        length_headroom(own, goal, most_seeds=seeds, progress=stretching) if stretched else None,
    )


def _sized(scenario: Scenario, gpu: str, replicas: int) -> Scenario:
    return changed(scenario, cluster__gpu=gpu, cluster__replicas=replicas)


def _fewest(holds: Callable[[int], bool], most: int) -> int | None:
    """The least number from 1 to `most` that holds, if more always hold too."""
    low, high = 0, 1
    while not holds(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
