"""The drift lab: compensators on streams of lengths that drift, beside what can be known at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import ScenarioError
from driftsched.estimation.compensators.base import ENDLESS
from driftsched.estimation.detectors.none import NoDetectorConfig
from driftsched.results.statistics import mean_interval
from driftsched.workload.budgets import prepare_budgets

if TYPE_CHECKING:
    from driftsched.estimation.compensators import CompensatorSpec
    from driftsched.estimation.detectors import DetectorSpec
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = [
    "KINDS",
    "NO_DETECTOR",
    "Estimates",
    "Stream",
    "closed",
    "compensators_named",
    "draw_stream",
    "estimates",
    "scores",
    "stream_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASES = np.array([64, 256, 512, 1024])
TENANTS = 3
NO_DETECTOR = NoDetectorConfig()
CUT = 300
"""Requests at the beginning that do not count: whatever learns has to begin."""


@dataclass(frozen=True)
class Stream:
    """Requests in the order of their admission; arrays (n,).

    Attributes
    ----------
    tenant, category : int array
        Numbers from 0; the category as classified.
    prompt_length, length : int array
        Prompt and answer, in words or tokens.
    base_tokens : int array
        The category's budget.
    uncorrected_estimate : float array
        Budget at bias 1: base · safety · input factor.
    median, mean : float array or None
        Of each answer's true distribution at its moment: no estimate has a lower mean absolute, or
        squared, error. None where it is not known.
    shift : float array or None
        What drift has added to the logarithm of each answer's length, where that is known.
    late : int
        How many later requests are admitted before an answer's length is known.
    most : int array or None
        What each answer was cut at; None where nothing was cut.
    censoring : bool
        Whether cut answers are known as such; see `Estimator`.
    """

    tenant: Ints
    category: Ints
    prompt_length: Ints
    length: Ints
    base_tokens: Ints
    uncorrected_estimate: Floats
    median: Floats | None = None
    mean: Floats | None = None
    shift: Floats | None = None
    late: int = 0
    most: Ints | None = None
    censoring: bool = False

    def __len__(self) -> int:
        return len(self.length)


class Estimates(NamedTuple):
    """Estimates of each answer before it is known; arrays (n,).

    Attributes
    ----------
    typical, mean : float array
        Of its length, in the stream's unit; the same where a compensator knows but one.
    alarm : bool array
        Whether a detector gave an alarm just before the request came.
    """

    typical: Floats
    mean: Floats
    alarm: NDArray[np.bool_]


@dataclass(frozen=True)
class Course:
    """What a kind of drift may look at: share of the stream that has passed, 0 to 1, and whose."""

    passed: Floats
    tenant: Ints
    category: Ints
    rng: np.random.Generator

    @property
    def late(self) -> NDArray[np.bool_]:
        """Whether the second half has begun."""
        return self.passed >= 0.5


KINDS: Mapping[str, Callable[[Course], NDArray[np.floating]]] = {
    "none": lambda c: np.zeros(len(c.passed)),
    "step": lambda c: log(2) * c.late,
    "ramp": lambda c: log(2) * np.clip((c.passed - 0.3) / 0.4, 0, 1),
    "random_walk": lambda c: np.cumsum(c.rng.normal(0, 0.02, len(c.passed))),
    "daily": lambda c: 0.5 * np.sin(2 * pi * 3 * c.passed),
    "one_category": lambda c: log(2) * (c.late & (c.category == 1)),
    "one_tenant": lambda c: log(2) * (c.late & (c.tenant == 1)),
    "mix_shift": lambda c: np.zeros(len(c.passed)),
    "all_anew": lambda c: c.rng.normal(0, 0.6, len(BASES))[c.category] * c.late,
    "heavy_tail": lambda c: np.zeros(len(c.passed)),
}
"""Kinds of drift, by what they add to the logarithm of lengths; two of them shift shares and tails
instead."""


def draw_stream(
    kind: str,
    spread: float,
    seed: int,
    *,
    requests: int = 6000,
    tenant_effect: float = 0.25,
    prompt_effect: float = 0.25,
    late: int = 0,
    limits: Sequence[float] = (),
    censoring: bool = False,
) -> Stream:
    """Draw a stream whose true distribution is known: log-normal lengths of four categories.

    Categories run .4 (standard deviation of the logarithm) off their bases, three tenants
    `tenant_effect` apart, and an answer grows with the `prompt_effect`-th power of its prompt.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    spread : float
        Standard deviation of the logarithm of a length, within what can be known of it.
    seed : int
    requests : int
    tenant_effect, prompt_effect : float
    late : int
        See `Stream`.
    limits : sequence of float
        Multiples of the base at which answers are cut, each request's drawn by lot.
    censoring : bool
        See `Stream`.
    """
    if kind not in KINDS:
        raise ScenarioError(f"kind of drift must be one of {', '.join(KINDS)}, got {kind!r}")
    rng = np.random.default_rng([seed, list(KINDS).index(kind), round(1000 * spread)])
    passed = np.arange(requests) / requests
    shares = np.array([0.55, 0.25, 0.15, 0.05]) if kind == "mix_shift" else np.full(4, 0.25)
    uniform = rng.random(requests)
    first, second = (np.searchsorted(np.cumsum(s), uniform) for s in (shares, shares[::-1]))
    category = np.where(passed < 0.5, first, second).clip(0, len(BASES) - 1)
    tenant = rng.integers(0, TENANTS, requests)
    prompt = np.maximum(1, np.rint(rng.lognormal(5, 0.8, requests)))
    level = rng.normal(0, 0.4, len(BASES))[category]
    level = level + np.linspace(-tenant_effect, tenant_effect, TENANTS)[tenant]
    level = level + prompt_effect * (np.log(prompt) - 5)
    shift = np.asarray(KINDS[kind](Course(passed, tenant, category, rng)), np.float64)
    level = level + shift
    sd = np.where((passed >= 0.5) & (kind == "heavy_tail"), 1.5 * spread, spread)
    median = BASES[category] * np.exp(level)
    length = np.maximum(1, np.rint(median * np.exp(sd * rng.standard_normal(requests))))
    mean, most = median * np.exp(sd**2 / 2), None
    if limits:
        most = np.maximum(1, np.rint(BASES[category] * rng.choice(limits, requests)))
        mean = _cut_mean(median, sd, most)
        median, length = np.minimum(median, most), np.minimum(length, most)
    return Stream(
        tenant=tenant,
        category=category,
        prompt_length=prompt.astype(np.int64),
        length=length.astype(np.int64),
        base_tokens=BASES[category],
        uncorrected_estimate=BASES[category].astype(np.float64),
        median=median,
        mean=mean,
        shift=shift,
        late=late,
        most=None if most is None else most.astype(np.int64),
        censoring=censoring,
    )


def _cut_mean(median: Floats, sd: Floats, most: Floats) -> Floats:
    """Mean of log-normal lengths that are cut."""
    from scipy.special import ndtr

    off = np.log(most / median) / sd
    return median * np.exp(sd**2 / 2) * ndtr(off - sd) + most * ndtr(-off)


def stream_of(scenario: Scenario, workload: Workload, late: int = 0) -> Stream:
    """The stream that a scenario's estimator meets, generated or recorded, in order of arrival."""
    budgets = prepare_budgets(scenario, workload)
    order = np.argsort(workload.arrival_s, kind="stable")
    return Stream(
        tenant=workload.tenant[order],
        category=budgets.predicted[order],
        prompt_length=budgets.prompt_length[order],
        length=budgets.output_length[order],
        base_tokens=budgets.base_tokens[order],
        uncorrected_estimate=budgets.uncorrected_estimate[order],
        late=late,
        most=workload.max_output_tokens[order] if scenario.estimator.censoring else None,
        censoring=scenario.estimator.censoring,
    )


def estimates(
    stream: Stream, compensator: CompensatorSpec, detector: DetectorSpec = NO_DETECTOR
) -> Estimates:
    """What a compensator, under a detector, estimates of each answer before it is known."""
    from driftsched.simulation.compiled.follow import SEEN, follow

    rows = np.zeros(len(stream), SEEN)
    most = np.full(len(stream), ENDLESS) if stream.most is None else stream.most
    for name in SEEN.names or ():
        rows[name] = most if name == "most" else getattr(stream, name)
    categories, tenants = int(stream.category.max()) + 1, int(stream.tenant.max()) + 1
    censoring = stream.censoring
    said = follow(compensator, detector, rows, categories, tenants, stream.late, censoring)
    base, limit = stream.uncorrected_estimate, most if censoring else np.inf
    typical, mean = (np.minimum(base * bias, limit) for bias in (said.bias, said.mean_bias))
    return Estimates(typical, mean, said.alarm)


def scores(
    streams: Sequence[Stream],
    compensators: Mapping[str, CompensatorSpec],
    cut: int = CUT,
    detector: DetectorSpec = NO_DETECTOR,
) -> pd.DataFrame:
    """Errors of compensators on streams.

    Parameters
    ----------
    streams : sequence of Stream
    compensators : mapping of str to CompensatorSpec
        By the names they are to have.
    cut : int
        Requests at each stream's beginning that do not count.
    detector : DetectorSpec
        What watches each of them.

    Returns
    -------
    DataFrame
        One row a stream and compensator: stream (its number), compensator, mae and below (share of
        answers no longer than their estimates) of the typical length, rmse and bias (mean estimate
        / mean length) of the mean one, alarms in the whole stream, and mae_floor, rmse_floor: the
        errors of the true median and mean; NaN where not known.
    """
    rows = []
    for number, stream in enumerate(streams):
        length = stream.length[cut:].astype(np.float64)
        unknown = np.full(len(stream), np.nan)
        floors = {
            "mae_floor": _mae(unknown if stream.median is None else stream.median, length, cut),
            "rmse_floor": _rmse(unknown if stream.mean is None else stream.mean, length, cut),
        }
        for name, compensator in compensators.items():
            typical, mean, alarm = estimates(stream, compensator, detector)
            row = {"stream": number, "compensator": name, "mae": _mae(typical, length, cut)}
            row |= {"rmse": _rmse(mean, length, cut), "bias": mean[cut:].mean() / length.mean()}
            row |= {"below": (length <= typical[cut:]).mean(), "alarms": int(alarm.sum())}
            rows.append(row | floors)
    return pd.DataFrame(rows)


def compensators_named(kinds: Sequence[str]) -> dict[str, CompensatorSpec]:
    """Compensators with their defaults, by kind."""
    from driftsched.estimation.compensators import COMPENSATORS

    return {kind: COMPENSATORS[kind].model_validate({"kind": kind}) for kind in kinds}


def closed(table: pd.DataFrame, reference: str = "ema") -> pd.DataFrame:
    """Share of a reference's excess error over the floor that each compensator closes.

    Parameters
    ----------
    table : DataFrame
        See `scores`; the streams are draws of one kind.
    reference : str
        The compensator at 0; the floor is at 1, and worse than the reference is below 0.

    Returns
    -------
    DataFrame
        One row a compensator: mae (typical length) and rmse (mean length), each mean over the
        streams, and mae_low, mae_high, rmse_low, rmse_high: 95 % t intervals; NaN where the floor
        is not known; alarms, mean over the streams.
    """
    wide = table.pivot(index="stream", columns="compensator")
    rows = {}
    for name in table["compensator"].unique():
        row: dict[str, float] = {}
        for error in ("mae", "rmse"):
            own, other = wide[error][name], wide[error][reference]
            share = (other - own) / (other - wide[f"{error}_floor"][name])
            mean, low, high = mean_interval(share.to_numpy(np.float64))
            row |= {error: mean, f"{error}_low": low, f"{error}_high": high}
        rows[name] = row | {"alarms": float(wide["alarms"][name].mean())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("compensator").reset_index()


def _mae(guess: Floats, length: Floats, cut: int) -> float:
    return float(np.abs(guess[cut:] - length).mean())


def _rmse(guess: Floats, length: Floats, cut: int) -> float:
    return float(np.sqrt(((guess[cut:] - length) ** 2).mean()))
