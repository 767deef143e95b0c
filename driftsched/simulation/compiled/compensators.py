"""Drift compensators as numbers: a kind, parameters, and one state value a category or more.

A further compensator with scalar state is a kind here, a branch in `predict` and `learn`, and a
line in `NUMERIC`. Its arithmetic must be that of its class, operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.estimation.compensators.none import NoneConfig
from driftsched.estimation.compensators.oracle import OracleConfig
from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.world import World

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.estimation.compensators import CompensatorSpec

__all__ = ["FORESEEN", "NUMERIC", "Numeric", "learn", "predict"]

FORESEEN, EMA = 0, 1
"""Kinds: biases that do not depend on what finishes, and the moving average."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Numeric:
    """A compensator at the start of a run.

    Attributes
    ----------
    kind : int
        One of the kinds of this module.
    state, parameters : float arrays
        What `learn` changes, and what it does not.
    bias : float array, shape (n,), or float
        Biases of all requests, where they are foreseen.
    """

    kind: int
    state: Floats = field(default_factory=lambda: np.zeros(1))
    parameters: Floats = field(default_factory=lambda: np.zeros(1))
    bias: Floats | float = 1.0


def _ema(spec: EmaConfig, categories: int) -> Numeric:
    parameters = np.array([spec.alpha, spec.low, spec.high])
    return Numeric(EMA, np.ones(categories), parameters)


def _oracle(budgets: Budgets) -> Numeric:
    return Numeric(FORESEEN, bias=(budgets.output_length + 0.5) / budgets.uncorrected_estimate)


NUMERIC: dict[type[CompensatorSpec], Callable[[Any, Budgets, int], Numeric]] = {
    NoneConfig: lambda spec, budgets, categories: Numeric(FORESEEN),
    EmaConfig: lambda spec, budgets, categories: _ema(spec, categories),
    OracleConfig: lambda spec, budgets, categories: _oracle(budgets),
}
"""Parameters of a compensator → its numeric form."""


@inlined
def predict(w: World, item: int) -> float:
    """Bias of a request that arrives; asked only where biases are not foreseen."""
    return float(w.compensation[w.requests[item].predicted])


@inlined
def learn(w: World, item: int) -> float:
    """Learn from a finished request; returns its category's bias from now on."""
    category = w.requests[item].predicted
    ratio = w.requests[item].ratio
    alpha, low, high = w.parameters[0], w.parameters[1], w.parameters[2]
    clipped = low if ratio < low else min(ratio, high)
    bias = (1 - alpha) * w.compensation[category] + alpha * clipped
    w.compensation[category] = bias
    return float(bias)
