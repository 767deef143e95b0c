"""How near compensators come to what can be known, and that bounds hold as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from driftsched.experiments.lab import (
    KINDS,
    Stream,
    closed,
    compensators_named,
    draw_stream,
    estimates,
    scores,
)

SEEDS = range(6)
FOUND = compensators_named(["ema", "hierarchical"])


def shares(spread: float, effects: float) -> pd.DataFrame:
    """Share of the EMA's excess error that is closed: a row a kind of drift."""
    rows = {}
    for kind in KINDS:
        streams = [
            draw_stream(kind, spread, seed, tenant_effect=effects, prompt_effect=effects)
            for seed in SEEDS
        ]
        table = closed(scores(streams, FOUND)).set_index("compensator")
        typical, mean = table.loc["hierarchical"], table.loc["hierarchical-mean"]
        rows[kind] = {"mae": typical["mae"], "rmse": mean["rmse"]}
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.parametrize(
    ("spread", "effects", "least"),
    [(0.3, 0.25, (0.9, 0.9)), (0.6, 0.25, (0.8, 0.75)), (0.6, 0.0, (0.6, 0.5))],
)
def test_levels_close_most_of_what_the_ema_leaves(
    spread: float, effects: float, least: tuple[float, float]
) -> None:
    """Else it would not be worth its room beside the paper's; on every kind it must help."""
    table = shares(spread, effects)
    assert (table.mean() >= np.array(least)).all(), table
    assert (table.min() > 0.3).all(), table


def test_where_nothing_drifts_it_stays_near_the_floor() -> None:
    """What adapts pays for it where there is nothing to adapt to."""
    table = scores([draw_stream("none", 0.6, seed) for seed in SEEDS], FOUND)
    mine = table[table["compensator"] == "hierarchical"]
    assert mine["mae"].mean() < 1.025 * mine["mae_floor"].mean()


def test_a_common_step_is_learnt_in_half_the_time() -> None:
    """All categories and tenants move together, so that each answer tells of all."""
    found: dict[str, list[int]] = {name: [] for name in ("ema", "hierarchical")}
    for seed in range(12):
        stream = draw_stream("step", 0.3, seed)
        assert stream.median is not None
        at = len(stream) // 2
        for name, times in found.items():
            off = np.log(estimates(stream, FOUND[name])[at:] / stream.median[at:])
            recent = np.convolve(off, np.full(12, 1 / 12), "valid")
            times.append(int(np.argmax(recent > -np.log(1.1))))
    assert np.mean(found["hierarchical"]) <= 0.5 * np.mean(found["ema"]), found


@pytest.mark.parametrize("kind", ["none", "step", "random_walk", "heavy_tail"])
def test_a_bound_holds_as_often_as_it_says(kind: str) -> None:
    """Gibbs & Candès: whatever the lengths do, in the long run the share stays below."""
    bound = compensators_named(["quantile"])["quantile"].model_copy(update={"share": 0.9})
    stream = draw_stream(kind, 0.6, 1, requests=20_000)
    below = stream.length <= estimates(stream, bound)
    assert below[300:].mean() == pytest.approx(0.9, abs=0.015)
    windows = np.convolve(below[300:], np.full(200, 1 / 200), "valid")
    assert windows.min() >= 0.7


def test_the_stream_is_followed_as_the_gateway_would() -> None:
    """Python's own functions, one request after the other, give the same estimates."""
    stream = draw_stream("one_tenant", 0.6, 3, requests=400, late=7)
    for name, spec in compensators_named(["ema", "hierarchical", "quantile"]).items():
        np.testing.assert_allclose(estimates(stream, spec), one_by_one(stream, spec), err_msg=name)


def one_by_one(stream: Stream, spec: object) -> np.ndarray:
    from driftsched.estimation.compensators import CompensatorSpec
    from driftsched.scheduling.request import Request

    assert isinstance(spec, CompensatorSpec)
    compensator = spec.build(4, 3)
    requests = [
        Request(
            n, tenant, 1, category, 0.0, prompt, length, length, prompt, length, base, float(base)
        )
        for n, (tenant, category, prompt, length, base) in enumerate(
            zip(
                stream.tenant.tolist(),
                stream.category.tolist(),
                stream.prompt_length.tolist(),
                stream.length.tolist(),
                stream.base_tokens.tolist(),
                strict=True,
            )
        )
    ]
    found = []
    for n, one in enumerate(requests):
        known = n - 1 - stream.late
        if known >= 0:
            late = requests[known]
            compensator.learn_one(late, late.output_length / late.base_tokens)
        found.append(one.uncorrected_estimate * compensator.predict_one(one))
    return np.array(found)
