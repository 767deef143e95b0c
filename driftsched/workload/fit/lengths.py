"""Fit length distributions to recorded lengths: by likelihood, chosen by their KS distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from driftsched.core.errors import TraceError
from driftsched.traffic.lengths import (
    ConstantLength,
    EmpiricalLength,
    GammaLength,
    Length,
    LognormalLength,
    WeibullLength,
)
from driftsched.workload.fit.ks import ks_distance

__all__ = ["LengthFit", "fit_lengths"]

FloatArray = NDArray[np.float64]

GOOD_ENOUGH = 0.05
"""Up to this KS distance two parameters are preferred to many quantiles."""
QUANTILES = 101
STEPS = 100


@dataclass(frozen=True)
class LengthFit:
    """A fitted distribution, and how far it and the others are from the data.

    Attributes
    ----------
    distribution : Length
        The one chosen.
    ks : float
        Its KS distance.
    candidates : dict
        Kind → KS distance of all that were tried.
    n : int
        Lengths fitted to.
    """

    distribution: Length
    ks: float
    candidates: dict[str, float]
    n: int


def fit_lengths(tokens: NDArray[np.int64] | FloatArray) -> LengthFit:
    """Fit log-normal, gamma and Weibull by maximum likelihood, and the quantiles as they are.

    The nearest by KS distance of the three is taken where it is within 0.05, else the quantiles
    (a hundred steps), which follow any shape.

    Parameters
    ----------
    tokens : array, shape (n,)
        Lengths, at least 1.

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
    makers: dict[str, Callable[[FloatArray], Length]] = {
        "lognormal": _lognormal,
        "gamma": _gamma,
        "weibull": _weibull,
    }
    found = {name: make(values) for name, make in makers.items()}
    ks = {name: ks_distance(values, fit.cdf, 0.5) for name, fit in found.items()}
    best = min(ks, key=lambda name: ks[name])
    found["empirical"] = _empirical(values)
    ks["empirical"] = ks_distance(values, found["empirical"].cdf, 0.5)
    if ks[best] > GOOD_ENOUGH and ks["empirical"] < ks[best]:
        best = "empirical"
    return LengthFit(found[best], ks[best], ks, len(values))


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _lognormal(values: FloatArray) -> Length:
    logs = np.log(values)
    mu, sigma = float(logs.mean()), float(logs.std())
    return LognormalLength(
        mu=_short(min(max(mu, 0.0), 14.0)), sigma=_short(min(max(sigma, 1e-3), 4.0))
    )


def _gamma(values: FloatArray) -> Length:
    """Solve ln k − ψ(k) = ln(mean) − mean(ln) by halving."""
    mean = float(values.mean())
    target = math.log(mean) - float(np.log(values).mean())
    low, high = 1e-4, 1e8
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        over = math.log(middle) - float(special.digamma(middle)) > target
        low, high = (middle, high) if over else (low, middle)
    shape = _short(math.sqrt(low * high))
    return GammaLength(shape=shape, scale=_short(mean / shape))


def _weibull(values: FloatArray) -> Length:
    """Solve Σ xᵏ ln x / Σ xᵏ − 1/k = mean(ln x) by halving."""
    logs = np.log(values)
    mean, top = float(logs.mean()), float(logs.max())
    low, high = 1e-2, 1e3
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        power = np.exp(middle * (logs - top))
        under = float((power * logs).sum() / power.sum()) - 1 / middle < mean
        low, high = (middle, high) if under else (low, middle)
    shape = math.sqrt(low * high)
    scale = math.exp(top + math.log(float(np.exp(shape * (logs - top)).mean())) / shape)
    return WeibullLength(shape=_short(shape), scale=_short(scale))


def _empirical(values: FloatArray) -> Length:
    quantiles = np.quantile(values, np.linspace(0, 1, QUANTILES))
    return EmpiricalLength(
        quantiles=tuple(_short(value) for value in np.maximum.accumulate(quantiles))
    )
