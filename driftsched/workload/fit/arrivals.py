"""Fit an arrival process to recorded times: gaps by likelihood, a changing rate in pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from driftsched.core.errors import TraceError
from driftsched.traffic.arrivals import Arrivals, GammaGaps, Piecewise, Poisson, WeibullGaps
from driftsched.workload.fit.ks import ks_distance

__all__ = ["ArrivalFit", "fit_arrivals"]

FloatArray = NDArray[np.float64]

PIECES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 96)
LEAST_IN_PIECE = 30
LEAST_CV, MOST_CV = 0.05, 50.0
STEPS = 60


@dataclass(frozen=True)
class ArrivalFit:
    """A fitted arrival process, and how it compares.

    Attributes
    ----------
    process : Arrivals
        The one with the least BIC.
    ks : float
        KS distance of the gaps, measured in expected arrivals, from the fitted ones.
    bic : dict
        What was tried → BIC, less the least of them; the best comes first.
    rate_rps, cv : float
        Mean rate, and coefficient of variation of the gaps as recorded.
    n : int
        Arrivals.
    gaps : float array
        The gaps in expected arrivals, sorted: 1 on average.
    cdf_at_gaps : float array
        Share that the fit says is at most so long.
    """

    process: Arrivals
    ks: float
    bic: dict[str, float]
    rate_rps: float
    cv: float
    n: int
    gaps: FloatArray
    cdf_at_gaps: FloatArray


def fit_arrivals(time_s: FloatArray, duration_s: float | None = None) -> ArrivalFit:
    """Choose among Poisson, gamma and Weibull gaps, at one rate or a rate in equal pieces.

    With Λ(t) the expected arrivals up to t under the pieces' rates, the gaps in Λ are fitted by
    gaps of mean 1; the log-likelihood adds Σ ln λ(tᵢ) for the change of clock. The least BIC wins,
    each piece counting as a parameter: it asks more of a further piece than AIC does, which would
    follow chance in long traces.

    Parameters
    ----------
    time_s : float array, shape (n,)
        Arrival times, ascending, the first at 0.
    duration_s : float, optional
        How long was recorded; until the last arrival where it is not given.

    Raises
    ------
    TraceError
        There are fewer than 3 arrivals, or all come at once.
    """
    n = len(time_s)
    span = float(time_s[-1]) if duration_s is None and n else float(duration_s or 0.0)
    if n < 3 or span <= 0:
        raise TraceError(f"arrivals to fit must be at least 3 at different times, got {n}")
    options = [one for pieces in PIECES for one in _options(time_s, span, pieces)]
    options.sort(key=lambda option: option.bic)
    best, gaps = options[0], np.diff(time_s)
    unit, shape = np.sort(best.unit), _shape_of(best.process)
    return ArrivalFit(
        process=best.process,
        ks=ks_distance(unit, lambda x: _cdf(x, best.name, shape), 0.0),
        bic={option.label: option.bic - best.bic for option in options},
        rate_rps=n / span,
        cv=float(gaps.std() / gaps.mean()),
        n=n,
        gaps=unit,
        cdf_at_gaps=_cdf(unit, best.name, shape),
    )


class _Option(NamedTuple):
    """A process that was tried: its kind of gaps, and the gaps in expected arrivals."""

    bic: float
    name: str
    pieces: int
    process: Arrivals
    unit: FloatArray

    @property
    def label(self) -> str:
        return self.name if self.pieces == 1 else f"{self.name}, rate in {self.pieces} pieces"


def _options(time_s: FloatArray, span: float, pieces: int) -> Iterator[_Option]:
    """Fits with a rate in so many pieces; none where a piece has too few arrivals."""
    n = len(time_s)
    edges = np.linspace(0, span, pieces + 1)
    counts = np.histogram(time_s, edges)[0]
    if (pieces > 1 and n / pieces < LEAST_IN_PIECE) or (counts == 0).any():
        return
    rates = counts / np.diff(edges)
    at = np.minimum(np.searchsorted(edges, time_s, side="right") - 1, pieces - 1)
    unit = _in_arrivals(time_s, at, rates, np.interp(time_s, edges, np.r_[0.0, np.cumsum(counts)]))
    clock = float(np.log(rates[at[1:]]).sum())
    for name, shape, parameters in _gap_fits(unit):
        process = _process(name, shape, edges, rates)
        if process is not None:
            found = clock + _likelihood(unit, name, shape)
            bic = math.log(n) * (pieces + parameters) - 2 * found
            yield _Option(bic, name, pieces, process, unit)


def _in_arrivals(
    time_s: FloatArray, at: NDArray[np.int64], rates: FloatArray, passed: FloatArray
) -> FloatArray:
    """Gaps in expected arrivals, 1 on average; `at` is each arrival's piece, `passed` its Λ."""
    gaps = np.diff(time_s)
    # Equal times come from a clock's resolution: their gap is half of the smallest one seen.
    least = float(gaps[gaps > 0].min()) / 2
    # Inside a piece from the gap itself: differences of large sums would lose tiny gaps.
    inside = at[1:] == at[:-1]
    unit = np.where(inside, gaps * rates[at[1:]], np.diff(passed))
    unit = np.maximum(unit, least * rates[at[1:]])
    return np.asarray(unit / unit.mean())


def _gap_fits(unit: FloatArray) -> list[tuple[str, float, int]]:
    """Kinds of gaps of mean 1, their shape by maximum likelihood, and how many parameters."""
    return [
        ("poisson", 1.0, 0),
        ("gamma", _gamma_shape(unit), 1),
        ("weibull", _weibull_shape(unit), 1),
    ]


def _gamma_shape(unit: FloatArray) -> float:
    target = -float(np.log(unit).mean())
    low, high = 1 / MOST_CV**2, 1 / LEAST_CV**2
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        over = math.log(middle) - float(special.digamma(middle)) > target
        low, high = (middle, high) if over else (low, middle)
    return math.sqrt(low * high)


def _weibull_shape(unit: FloatArray) -> float:
    """The shape of Weibull gaps of mean 1 with the highest likelihood, by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.1), math.log(50.0)
    for _ in range(STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _likelihood(unit, "weibull", math.exp(left)) < _likelihood(
            unit, "weibull", math.exp(right)
        ):
            low = left
        else:
            high = right
    return math.exp((low + high) / 2)


def _likelihood(unit: FloatArray, name: str, shape: float) -> float:
    """Log-likelihood of gaps under a distribution of mean 1."""
    n, logs = len(unit), float(np.log(unit).sum())
    if name == "weibull":
        scale = 1 / math.gamma(1 + 1 / shape)
        powers = float(((unit / scale) ** shape).sum())
        return n * (math.log(shape) - shape * math.log(scale)) + (shape - 1) * logs - powers
    total = float(unit.sum())
    return n * (shape * math.log(shape) - math.lgamma(shape)) + (shape - 1) * logs - shape * total


def _cdf(unit: FloatArray, name: str, shape: float) -> FloatArray:
    if name == "weibull":
        return np.asarray(-np.expm1(-((unit * math.gamma(1 + 1 / shape)) ** shape)))
    return np.asarray(special.gammainc(shape, shape * unit))


def _process(name: str, shape: float, edges: FloatArray, rates: FloatArray) -> Arrivals | None:
    """Process of a kind of gaps and rates; None where there is none with rates in pieces."""
    if len(rates) > 1:
        if name == "weibull":
            return None
        cv = 1.0 if name == "poisson" else float(f"{1 / math.sqrt(shape):.4g}")
        times = tuple(float(f"{edge:.9g}") for edge in edges)
        held = tuple(float(f"{rate:.5g}") for rate in [*rates, rates[-1]])
        return Piecewise(times_s=times, rates_rps=held, shape="steps", cv=cv)
    rate = float(f"{rates[0]:.6g}")
    if name == "poisson":
        return Poisson(rate_rps=rate)
    if name == "gamma":
        return GammaGaps(rate_rps=rate, cv=float(f"{1 / math.sqrt(shape):.4g}"))
    return WeibullGaps(rate_rps=rate, shape=float(f"{shape:.4g}"))


def _shape_of(process: Arrivals) -> float:
    if isinstance(process, WeibullGaps):
        return process.weibull_shape
    return 1 / float(getattr(process, "cv", 1.0)) ** 2
