"""Closed forms of the cost equal iterating, for every kind of cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.serving import GPUS, MODELS, Curve, IterationCost
from driftsched.serving.cost import (
    CoefficientsConfig,
    ConstantRateConfig,
    CostConfig,
    RooflineConfig,
    TableConfig,
)

seconds = st.floats(1e-6, 1.0)


def rows(least: int) -> st.SearchStrategy[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Columns of a measured table."""
    points = st.lists(st.tuples(st.integers(1, 3000), st.floats(0, 50)), min_size=least, max_size=6)
    return points.map(
        lambda found: (
            tuple(np.cumsum([gap for gap, _ in found]).tolist()),
            tuple(np.cumsum([rise for _, rise in found]).tolist()),
        )
    )


@st.composite
def tables(draw: st.DrawFn) -> TableConfig:
    tokens, ms = draw(rows(1))
    kv_tokens, kv_ms = draw(rows(0))
    return TableConfig(
        iteration_tokens=tokens,
        iteration_ms=ms,
        kv_tokens=kv_tokens,
        kv_ms=kv_ms,
        attention_s=draw(st.floats(0, 1e-6)),
        overhead_s=draw(st.floats(1e-6, 0.1)),
    )


CONFIGS: dict[str, st.SearchStrategy[CostConfig]] = {
    "roofline": st.builds(
        RooflineConfig,
        overhead_s=st.floats(0, 0.1),
        stack=st.sampled_from(["auto", "kernels", "vllm-0.2"]),
    ),
    "constant": st.builds(ConstantRateConfig, token_s=seconds),
    "coefficients": st.builds(
        CoefficientsConfig,
        overhead_s=seconds,
        weights_s=seconds,
        token_s=seconds,
        kv_token_s=st.floats(0, 1e-4),
        attention_s=st.floats(0, 1e-6),
    ),
    "table": tables(),
}


@st.composite
def costs(draw: st.DrawFn) -> IterationCost:
    """A cost of any kind, on one GPU or eight."""
    config = draw(CONFIGS[draw(st.sampled_from(sorted(CONFIGS)))])
    return config.build(GPUS["A100-80"], MODELS["llama-3-8b"], draw(st.sampled_from([1, 8])))


def evaluated(
    cost: IterationCost, tokens: int, kv: int, squares: int, requests: int, prompts: int
) -> float:
    """What the documentation of `IterationCost` says, from its numbers alone."""
    k = cost.coefficients

    def table(curve: Curve, at: int) -> float:
        x, y = curve.knots, curve.values
        if at <= x[-1]:
            return float(np.interp(at, x, y))
        slope = (y[-1] - y[-2]) / (x[-1] - x[-2]) if len(x) > 1 else 0.0
        return float(y[-1] + slope * (at - x[-1]))

    measured = len(cost.by_tokens.knots) > 0
    linear = table(cost.by_tokens, tokens) if measured else k[6] + np.hypot(k[1], k[2] * tokens)
    gpu = linear + k[7] + k[8] * tokens
    read = table(cost.by_kv, kv) if len(cost.by_kv.knots) else k[3] * kv
    fixed = k[0] + np.hypot(k[5], gpu)
    return float(fixed + k[9] * requests + k[10] * prompts + read + k[4] * squares)


def test_every_kind_is_here() -> None:
    """A new kind of cost must come with its closed form."""
    kinds = {config.model_fields["kind"].default for config in CostConfig.__args__[0].__args__}
    assert kinds == set(CONFIGS)


@settings(max_examples=200)
@given(costs(), st.integers(1, 120), st.integers(1, 64), st.integers(0, 20_000))
def test_a_stretch_equals_its_iterations(
    cost: IterationCost, iterations: int, running: int, kv: int
) -> None:
    """Otherwise jumping ahead would drift away from iterating token by token."""
    slow = sum(cost.iteration(running, kv + i * running) for i in range(iterations))
    assert cost.decode_seconds(iterations, running, kv) == pytest.approx(slow, rel=1e-9)


@settings(max_examples=200)
@given(costs(), st.floats(0, 20), st.integers(1, 64), st.integers(0, 20_000))
def test_a_stretch_past_a_time_is_the_shortest_one(
    cost: IterationCost, wait_s: float, running: int, kv: int
) -> None:
    """Otherwise an arrival would join one iteration late, or before it came."""
    steps, lasting = cost.iterations_past(wait_s, running, kv)
    assert steps >= 1
    assert lasting == cost.decode_seconds(steps, running, kv) >= wait_s * (1 - 1e-12)
    if steps > 1:
        assert cost.decode_seconds(steps - 1, running, kv) <= wait_s * (1 + 1e-12)


@settings(max_examples=200)
@given(
    costs(),
    st.integers(1, 9000),
    st.integers(0, 90_000),
    st.integers(0, 8000),
    st.integers(0, 64),
)
def test_the_numbers_say_the_same(
    cost: IterationCost, tokens: int, kv: int, prompt: int, requests: int
) -> None:
    """Otherwise an iteration would not cost what the documentation says."""
    prompts = int(prompt > 0)
    expected = cost.iteration(tokens, kv, prompt * prompt, requests, prompts)
    found = evaluated(cost, tokens, kv, prompt * prompt, requests, prompts)
    assert found == pytest.approx(expected, rel=1e-9)


@given(st.floats(1e-6, 10), st.integers(1, 1000), st.integers(1, 64), st.integers(0, 10**6))
def test_a_constant_rate_is_exact(token_s: float, iterations: int, running: int, kv: int) -> None:
    """Queueing theory is tested with it: nothing may be added to the service time."""
    cost = ConstantRateConfig(token_s=token_s).build(GPUS["H100"], MODELS["llama-3-70b"], 8)
    assert cost.decode_seconds(iterations, running, kv) == iterations * token_s
    assert cost.iteration(500, kv, 500 * 500) == token_s


@settings(max_examples=200)
@given(costs(), st.integers(1, 4000), st.integers(0, 10**6), st.integers(1, 4000))
def test_more_work_never_takes_less_time(
    cost: IterationCost, tokens: int, kv: int, more: int
) -> None:
    """Otherwise a fuller batch could end sooner, and bisection in a stretch would be wrong."""
    base = cost.iteration(tokens, kv, 0, 1, 0)
    assert cost.iteration(tokens + more, kv, 0, 1, 0) >= base * (1 - 1e-12)
    assert cost.iteration(tokens, kv + more, 0, 1, 0) >= base * (1 - 1e-12)
    assert cost.iteration(tokens, kv, more, 1, 1) >= base * (1 - 1e-12)
