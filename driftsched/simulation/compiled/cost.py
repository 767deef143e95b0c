"""What iterations cost: the functions of `driftsched.serving.iteration`, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

from driftsched.serving import iteration
from driftsched.simulation.compiled.jit import inlined, shared
from driftsched.simulation.compiled.state import Costs

boundary_after = shared(iteration.boundary_after)
decode_seconds = shared(iteration.decode_seconds)
iteration_seconds = shared(iteration.iteration_seconds)
iterations_past = shared(iteration.iterations_past)


class _CurveView(NamedTuple):
    """A measured curve; see `driftsched.serving.curve.Curve`."""

    rows: int
    knots: Any
    values: Any
    slopes: Any


class _CostView(NamedTuple):
    """A cost; see `driftsched.serving.iteration.IterationCost`."""

    overhead_s: float
    weights_s: float
    token_s: float
    kv_token_s: float
    attention_s: float
    host_s: float
    kernel_s: float
    wire_s: float
    wire_token_s: float
    request_s: float
    prompt_s: float
    slowdown: float
    by_tokens: _CurveView
    by_kv: _CurveView
    decode_s: Any


@inlined
def _curve_of(costs: Costs, kind: int, number: int) -> _CurveView:
    """One of the two measured curves of a kind of replica."""
    rows = costs.curves[kind, number]
    return _CurveView(
        costs.rows[kind, number],
        rows.knot,
        rows.value,
        rows.slope,
    )


@inlined
def cost_of(costs: Costs, kind: int) -> _CostView:
    """The cost of a kind of replica."""
    k = costs.coefficients[kind]
    return _CostView(
        k[0],
        k[1],
        k[2],
        k[3],
        k[4],
        k[5],
        k[6],
        k[7],
        k[8],
        k[9],
        k[10],
        k[11],
        _curve_of(costs, kind, 0),
        _curve_of(costs, kind, 1),
        costs.decode_s[kind],
    )
