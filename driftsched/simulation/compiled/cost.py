"""What iterations cost, in numbers; see `driftsched.serving.iteration` and `.table`."""

from __future__ import annotations

from math import sqrt

from driftsched.simulation.compiled.jit import inlined
from driftsched.simulation.compiled.world import Costs

__all__ = ["iteration_s", "stretch_past", "stretch_s"]

OVERHEAD, WEIGHTS, TOKEN, KV_TOKEN, ATTENTION = 0, 1, 2, 3, 4
HOST, WIRE, WIRE_TOKEN, REQUEST, PROMPT = 5, 6, 7, 8, 9
BY_TOKENS, BY_KV = 0, 1


@inlined
def iteration_s(
    costs: Costs, kind: int, tokens: int, kv: int, squares: int, requests: int, prompts: int
) -> float:
    """Seconds of one iteration; `IterationCost.iteration`."""
    k = costs.coefficients[kind]
    if costs.rows[kind, BY_TOKENS] > 0:
        gpu = at(costs, kind, BY_TOKENS, tokens)
    else:
        compute = k[TOKEN] * tokens
        gpu = sqrt(k[WEIGHTS] * k[WEIGHTS] + compute * compute)
    gpu = gpu + k[WIRE] + k[WIRE_TOKEN] * tokens
    if k[HOST] != 0:
        gpu = sqrt(k[HOST] * k[HOST] + gpu * gpu)
    read = at(costs, kind, BY_KV, kv) if costs.rows[kind, BY_KV] > 0 else k[KV_TOKEN] * kv
    fixed = k[OVERHEAD] + gpu
    return float(
        fixed + k[REQUEST] * requests + k[PROMPT] * prompts + read + k[ATTENTION] * squares
    )


@inlined
def stretch_s(costs: Costs, kind: int, steps: int, running: int, kv: int) -> float:
    """Seconds of `steps` decode iterations; `stretch` of the cost."""
    fixed = steps * costs.decode_s[kind, running]
    if costs.rows[kind, BY_KV] > 0:
        return float(fixed + total(costs, kind, kv, running, steps))
    grown = kv * steps + running * (steps * (steps - 1) // 2)
    return float(fixed + costs.coefficients[kind, KV_TOKEN] * grown)


@inlined
def stretch_past(costs: Costs, kind: int, seconds: float, running: int, kv: int) -> int:
    """Fewest iterations, at least one, that last `seconds`; `stretch_past` of the cost."""
    if costs.rows[kind, BY_KV] > 0:
        return by_bisection(costs, kind, seconds, running, kv)
    a = costs.coefficients[kind, KV_TOKEN] * running / 2
    b = stretch_s(costs, kind, 1, running, kv) - a
    steps = max(1, int(2 * seconds / (b + sqrt(b * b + 4 * a * seconds))))
    if stretch_s(costs, kind, steps, running, kv) < seconds:
        steps += 1
    return steps


@inlined
def by_bisection(costs: Costs, kind: int, seconds: float, running: int, kv: int) -> int:
    """The same for measured tables, which have no root."""
    high = 1
    while stretch_s(costs, kind, high, running, kv) < seconds:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if stretch_s(costs, kind, middle, running, kv) < seconds:
            low = middle
        else:
            high = middle
    return high


@inlined
def place_of(costs: Costs, kind: int, table: int, tokens: int) -> int:
    """Number of the last row at or below `tokens`."""
    low, high = 0, costs.rows[kind, table]
    while low < high:
        middle = (low + high) // 2
        if tokens < costs.knots[kind, table, middle]:
            high = middle
        else:
            low = middle + 1
    return low - 1


@inlined
def at(costs: Costs, kind: int, table: int, tokens: int) -> float:
    """Value of a table at `tokens`; `Curve.at`."""
    place = place_of(costs, kind, table, tokens)
    past = tokens - costs.knots[kind, table, place]
    return float(costs.values[kind, table, place] + costs.slopes[kind, table, place] * past)


@inlined
def total(costs: Costs, kind: int, first: int, step: int, count: int) -> float:
    """Sum over a stretch of the KV cache read; `Curve.total`."""
    rows = costs.rows[kind, BY_KV]
    place = place_of(costs, kind, BY_KV, first)
    sum_s, done = 0.0, 0
    while done < count:
        start = first + done * step
        here = count - done
        if place + 1 < rows:
            gap = int(costs.knots[kind, BY_KV, place + 1]) - start
            here = min(here, -(-gap // step))
        if here > 0:
            knot = int(costs.knots[kind, BY_KV, place])
            offset = here * (start - knot) + step * (here * (here - 1) // 2)
            sum_s += (
                here * costs.values[kind, BY_KV, place] + costs.slopes[kind, BY_KV, place] * offset
            )
            done += here
        place += 1
    return sum_s
