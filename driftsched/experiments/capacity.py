"""What a cluster can take: the highest load at which a goal holds, and the fewest GPUs for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from math import inf, sqrt
from typing import TYPE_CHECKING, NamedTuple

from driftsched.core.errors import InputError, ScenarioError
from driftsched.experiments.compare import LATENCY
from driftsched.experiments.ensemble import run_ensemble
from driftsched.experiments.figures import Figures
from driftsched.experiments.load import offered_load
from driftsched.results import Estimate
from driftsched.results.percentiles import LATENCIES
from driftsched.scenario import changed, with_length_step, with_load

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["Capacity", "Fleet", "Goal", "capacity", "fewest_gpus", "length_headroom"]

SHARES = ("slo_attainment", "weighted_slo_attainment")
"""Shares of the requests, which a goal wants to be high; latencies it wants to be low."""
WRITTEN = re.compile(r"\s*(\w+(?:\.\d+)?\w*)\s*(<=|>=)\s*([0-9.eE+-]+)\s*")
FIRST, MOST_SEEDS = 8, 128
START, STEP, REACH = 0.7, 1.5, 64.0
"""The search begins at this share of what the hardware can serve, goes by this factor, so far."""
GRID = 0.1
"""Neighbouring loads are so near to each other, as a part of the precision aimed at."""
MOST_REPLICAS = 256

Vary = Callable[[float], "Scenario"]


class Goal(NamedTuple):
    """What must hold: a figure of the run, and its bound.

    Attributes
    ----------
    metric : str
        A latency as `driftsched.results.metrics` names them, ``p95_ttft_ms`` or
        ``mean_queue_wait_ms``, which must not be above; or one of `SHARES`, not below.
    bound : float
        Milliseconds, or a share from 0 to 1.
    tenant : str
        Whose figure it is; everybody's where it is empty.
    """

    metric: str
    bound: float
    tenant: str = ""

    @classmethod
    def parse(cls, text: str, tenant: str = "") -> Goal:
        """Read ``p95_ttft_ms<=2000`` or ``slo_attainment>=0.95``.

        Raises
        ------
        InputError
            When it is written otherwise.
        """
        found = WRITTEN.fullmatch(text)
        metric, sign, bound = found.groups() if found else ("", "", "")
        wanted = ">=" if metric in SHARES else "<="
        latency = LATENCY.fullmatch(metric)
        known = metric in SHARES or (latency is not None and _possible(latency[1]))
        if not known or sign != wanted:
            raise InputError(
                "goal must be a latency, as in p95_ttft_ms<=2000, or a share, as in "
                f"slo_attainment>=0.95, got {text[:60]!r}"
            )
        try:
            return cls(metric, float(bound), tenant)
        except ValueError:
            raise InputError(f"goal must have a number behind {sign}, got {bound!r}") from None

    def __str__(self) -> str:
        whose = f"{self.tenant}'s " if self.tenant else ""
        return f"{whose}{self.metric} {'>=' if self.metric in SHARES else '<='} {self.bound:g}"

    def measure(self, scenario: Scenario, seeds: int) -> Estimate:
        """The figure over some seeds, with its 95 % interval.

        Raises
        ------
        InputError
            When the scenario has no such tenant, or nobody has an SLO to attain.
        """
        names = scenario.tenant_names
        if self.tenant and self.tenant not in names:
            raise InputError(f"tenant must be one of {', '.join(names)}, got {self.tenant!r}")
        policy = scenario.policy.kind
        figures = Figures(run_ensemble({policy: scenario}, seeds))
        split, group = ("tenant", names.index(self.tenant)) if self.tenant else ("overall", 0)
        if self.metric not in SHARES:
            figure, _, measure = self.metric.removesuffix("_ms").partition("_")
            pool = figures.pool(policy, LATENCIES[measure], split, group)
            found = pool.estimate(_percentile(figure))
            return Estimate(1e3 * found.value, 1e3 * found.low, 1e3 * found.high, found.n)
        row = figures.goals(split).iloc[group]
        value, low, high = (float(row[self.metric + end]) for end in ("", "_low", "_high"))
        if value != value:
            raise InputError(f"goal {self.metric} needs SLOs, got tenants without any")
        return Estimate(value, low, high, seeds)

    def holds(self, found: Estimate) -> bool:
        """Whether the figure itself is within the bound."""
        return found.value >= self.bound if self.metric in SHARES else found.value <= self.bound

    def surely(self, found: Estimate) -> bool:
        """Whether the whole interval is within the bound."""
        return found.low >= self.bound if self.metric in SHARES else found.high <= self.bound

    def possibly(self, found: Estimate) -> bool:
        """Whether not all of the interval is beyond the bound."""
        beyond = found.high < self.bound if self.metric in SHARES else found.low > self.bound
        return not beyond


def _possible(figure: str) -> bool:
    """Whether it is a mean, or a percentile that there is."""
    try:
        p = _percentile(figure)
    except ValueError:
        return False
    return p is None or 0 < p < 100


def _percentile(figure: str) -> float | None:
    """``p95`` → 95; None is the mean."""
    return {"mean": None, "median": 50.0}[figure] if figure[0] == "m" else float(figure[1:])


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

    def of(self, today: float) -> Capacity:
        """The same as multiples of what `today` is, requests a second say."""
        return Capacity(self.value * today, self.low * today, self.high * today, self.seeds)


def capacity(
    scenario: Scenario, goal: Goal, *, precision: float = 0.02, most_seeds: int = MOST_SEEDS
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

    Raises
    ------
    InputError
        When the goal or a number is wrong, or the scenario cannot run.
    """
    start = START / offered_load(scenario).peak.rho
    return _search(partial(with_load, scenario), goal, start, precision, most_seeds)


def length_headroom(
    scenario: Scenario, goal: Goal, *, precision: float = 0.05, most_seeds: int = MOST_SEEDS
) -> Capacity:
    """Find by how much all answers may become longer until a goal fails; see `capacity`."""
    longer = partial(with_length_step, scenario, at_s=0.0)
    return _search(longer, goal, 1.0, precision, most_seeds)


def _search(vary: Vary, goal: Goal, start: float, precision: float, most_seeds: int) -> Capacity:
    if most_seeds < 2 or not precision > 0:
        raise InputError(
            f"seeds must be >= 2 and precision > 0, got {most_seeds} and {precision:g}"
        )
    seeds = min(FIRST, most_seeds)
    while True:
        found = _found(vary, goal, start, seeds, GRID * precision)
        if found.low > 0 and found.high - found.low <= 2 * precision * found.value:
            return found
        if seeds >= most_seeds or found.value in (0, inf):
            return found
        start, seeds = found.value, min(2 * seeds, most_seeds)


def _found(vary: Vary, goal: Goal, start: float, seeds: int, near: float) -> Capacity:
    measured = cache(lambda factor: goal.measure(vary(factor), seeds))
    holds, fails = _edge(lambda x: goal.holds(measured(x)), start, near)
    if holds == 0 or fails == inf:
        return Capacity(inf if holds else 0.0, holds, fails, seeds)
    low, _ = _edge(lambda x: goal.surely(measured(x)), holds, near)
    _, high = _edge(lambda x: goal.possibly(measured(x)), holds, near)
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


def fewest_gpus(
    scenario: Scenario,
    goal: Goal,
    prices: Mapping[str, float | None],
    *,
    seeds: int = 16,
    most: int = MOST_REPLICAS,
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
    return [_fleet(scenario, goal, gpu, price, seeds, most) for gpu, price in prices.items()]


def _fleet(
    scenario: Scenario, goal: Goal, gpu: str, price: float | None, seeds: int, most: int
) -> Fleet:
    @cache
    def measured(replicas: int) -> Estimate:
        return goal.measure(_sized(scenario, gpu, replicas), seeds)

    try:
        enough = _fewest(lambda n: goal.surely(measured(n)), most)
        least = _fewest(lambda n: goal.possibly(measured(n)), enough or most)
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
        capacity(own, goal, precision=0.05, most_seeds=seeds),
        length_headroom(own, goal, most_seeds=seeds) if stretched else None,
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
