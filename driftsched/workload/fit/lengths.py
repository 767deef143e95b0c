"""Fit length distributions to recorded lengths: by likelihood, chosen by their KS distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import TraceError
from driftsched.traffic.lengths import (
    ConstantLength,
    EmpiricalLength,
    GammaLength,
    Length,
    LognormalLength,
    WeibullLength,
)

GOOD_ENOUGH = 0.05
"""Up to this KS distance two parameters are preferred to many quantiles."""
QUANTILES = 101


@dataclass(frozen=True)
class LengthFit:
    """A fitted distribution of `n` lengths, its KS distance, and that of all candidates by kind."""

    distribution: Length
    ks: float
    candidates: dict[str, float]
    n: int


def fit_lengths(tokens: Ints | Floats) -> LengthFit:
    """Fit log-normal, gamma and Weibull by maximum likelihood, and the quantiles as they are.

    The nearest by KS distance of the three is taken where it is within 0.05, else the quantiles (a
    hundred steps), which follow any shape. `tokens`, shape (n,), are at least 1.

    Raises
    ------
    TraceError
        There is none.
    """
    values = np.asarray(tokens, dtype=np.float64)
    if len(values) == 0:
        raise TraceError("lengths to fit must be at least 1, got none")
    if values.min() == values.max():
        constant = ConstantLength(tokens=float(values[0]))
        return LengthFit(constant, 0.0, {"constant": 0.0}, len(values))
    found = {
        "lognormal": _lognormal(values),
        "gamma": _gamma(values),
        "weibull": _weibull(values),
        "empirical": _empirical(values),
    }
    distinct, counts = np.unique(values, return_counts=True)
    share = np.cumsum(counts) / len(values)
    # Half a token above each: what is drawn is rounded.
    ks = {name: float(np.abs(share - fit.cdf(distinct + 0.5)).max()) for name, fit in found.items()}
    best = min(("lognormal", "gamma", "weibull"), key=lambda name: ks[name])
    if ks[best] > GOOD_ENOUGH and ks["empirical"] < ks[best]:
        best = "empirical"
    return LengthFit(found[best], ks[best], ks, len(values))


def gamma_shape(values: Floats) -> float:
    """Shape of the gamma distribution of most likelihood: ln k − ψ(k) = ln(mean) − mean(ln)."""
    target = math.log(values.mean()) - float(np.log(values).mean())
    return _root(lambda k: target - math.log(k) + float(special.digamma(k)), 1e-4, 1e8)


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function passes 0; an end where it does so beyond."""
    if rising(low) >= 0:
        return low
    return high if rising(high) <= 0 else float(optimize.brentq(rising, low, high))


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _lognormal(values: Floats) -> Length:
    logs = np.log(values)
    mu, sigma = float(logs.mean()), float(logs.std())
    return LognormalLength(
        mu=_short(min(max(mu, 0.0), 14.0)), sigma=_short(min(max(sigma, 1e-3), 4.0))
    )


def _gamma(values: Floats) -> Length:
    shape = _short(gamma_shape(values))
    return GammaLength(shape=shape, scale=_short(float(values.mean()) / shape))


def _weibull(values: Floats) -> Length:
    """Solve Σ xᵏ ln x / Σ xᵏ − 1/k = mean(ln x); `scipy.stats` would search for it, 10× slower."""
    logs = np.log(values)
    mean, top = float(logs.mean()), float(logs.max())

    def rising(shape: float) -> float:
        power = np.exp(shape * (logs - top))
        return float((power * logs).sum() / power.sum()) - 1 / shape - mean

    shape = _root(rising, 1e-2, 1e3)
    scale = math.exp(top + math.log(float(np.exp(shape * (logs - top)).mean())) / shape)
    return WeibullLength(shape=_short(shape), scale=_short(scale))


def _empirical(values: Floats) -> Length:
    quantiles = np.maximum.accumulate(np.quantile(values, np.linspace(0, 1, QUANTILES)))
    return EmpiricalLength(quantiles=tuple(_short(value) for value in quantiles))
