"""Fit an arrival process to recorded times: gaps by likelihood, a changing rate in pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, stats

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import TraceError
from driftsched.traffic.arrivals import Arrivals, GammaGaps, Piecewise, Poisson, WeibullGaps
from driftsched.workload.fit.lengths import gamma_shape

PIECES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 96)
LEAST_IN_PIECE = 30
LEAST_CV, MOST_CV = 0.05, 50.0


@dataclass(frozen=True)
class ArrivalFit:
    """A fitted arrival process, the one with the least BIC, and how it compares.

    Attributes
    ----------
    ks : float
        KS distance of the gaps, measured in expected arrivals, from the fitted ones.
    bic : dict
        What was tried → BIC, less the least of them; the best comes first.
    rate_rps, cv, n
        Mean rate, coefficient of variation of the gaps as recorded, arrivals.
    gaps, cdf_at_gaps : float arrays
        The gaps in expected arrivals, sorted, 1 on average; and the share that the fit says is at
        most so long.
    """

    process: Arrivals
    ks: float
    bic: dict[str, float]
    rate_rps: float
    cv: float
    n: int
    gaps: Floats
    cdf_at_gaps: Floats


def fit_arrivals(time_s: Floats, duration_s: float | None = None) -> ArrivalFit:
    """Choose among Poisson, gamma and Weibull gaps, at one rate or a rate in equal pieces.

    With Λ(t) the expected arrivals up to t under the pieces' rates, the gaps in Λ are fitted by
    gaps of mean 1; the log-likelihood adds Σ ln λ(tᵢ) for the change of clock. The least BIC wins,
    each piece counting as a parameter: it asks more of a further piece than AIC does, which would
    follow chance in long traces. `time_s` ascends from 0; it was recorded for `duration_s`, by
    default until the last arrival.

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
    unit = np.sort(best.unit)
    return ArrivalFit(
        process=best.process,
        ks=float(stats.ks_1samp(unit, best.law.cdf, method="asymp").statistic),
        bic={option.label: option.bic - best.bic for option in options},
        rate_rps=n / span,
        cv=float(gaps.std() / gaps.mean()),
        n=n,
        gaps=unit,
        cdf_at_gaps=best.law.cdf(unit),
    )


class _Option(NamedTuple):
    """A process that was tried: its BIC, the gaps in expected arrivals, and their law."""

    bic: float
    label: str
    process: Arrivals
    unit: Floats
    law: Any


def _options(time_s: Floats, span: float, pieces: int) -> Iterator[_Option]:
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
    for name, shape in _gap_shapes(unit):
        if pieces > 1 and name == "weibull":
            continue  # there is no process of such gaps with a rate in pieces
        process, rounded = _process(name, shape, edges, rates)
        parameters = pieces + (name != "poisson")
        likelihood = clock + float(_law(name, shape).logpdf(unit).sum())
        bic = math.log(n) * parameters - 2 * likelihood
        label = name if pieces == 1 else f"{name}, rate in {pieces} pieces"
        yield _Option(bic, label, process, unit, _law(name, rounded))


def _in_arrivals(time_s: Floats, at: Ints, rates: Floats, passed: Floats) -> Floats:
    """Gaps in expected arrivals, 1 on average; `at` is each arrival's piece, `passed` its Λ."""
    gaps = np.diff(time_s)
    # Equal times come from a clock's resolution: their gap is half of the smallest one seen.
    least = float(gaps[gaps > 0].min()) / 2
    # Inside a piece from the gap itself: differences of large sums would lose tiny gaps.
    inside = at[1:] == at[:-1]
    unit = np.where(inside, gaps * rates[at[1:]], np.diff(passed))
    unit = np.maximum(unit, least * rates[at[1:]])
    return np.asarray(unit / unit.mean())


def _gap_shapes(unit: Floats) -> Iterator[tuple[str, float]]:
    """Kinds of gaps of mean 1, and their shape by maximum likelihood."""
    yield "poisson", 1.0
    yield "gamma", min(max(gamma_shape(unit), 1 / MOST_CV**2), 1 / LEAST_CV**2)
    found = optimize.minimize_scalar(
        lambda log_shape: -_law("weibull", math.exp(log_shape)).logpdf(unit).sum(),
        bounds=(math.log(0.1), math.log(50.0)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    yield "weibull", math.exp(found.x)


def _law(name: str, shape: float) -> Any:
    """Distribution of mean 1."""
    if name == "weibull":
        return stats.weibull_min(shape, scale=1 / math.gamma(1 + 1 / shape))
    return stats.gamma(shape, scale=1 / shape)


def _process(name: str, shape: float, edges: Floats, rates: Floats) -> tuple[Arrivals, float]:
    """Process of a kind of gaps and rates, and the shape after its parameters are rounded."""
    cv = 1.0 if name == "poisson" else float(f"{1 / math.sqrt(shape):.4g}")
    if len(rates) > 1:
        times = tuple(float(f"{edge:.9g}") for edge in edges)
        held = tuple(float(f"{rate:.5g}") for rate in [*rates, rates[-1]])
        return Piecewise(times_s=times, rates_rps=held, shape="steps", cv=cv), 1 / cv**2
    rate = float(f"{rates[0]:.6g}")
    if name == "weibull":
        rounded = float(f"{shape:.4g}")
        return WeibullGaps(rate_rps=rate, shape=rounded), rounded
    gaps = Poisson(rate_rps=rate) if name == "poisson" else GammaGaps(rate_rps=rate, cv=cv)
    return gaps, 1 / cv**2
