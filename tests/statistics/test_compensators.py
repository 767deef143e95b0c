"""How near compensators come to what can be known, and that bounds hold as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors.cusum import CusumConfig
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
LIMITS = (0.5, 1, 2, 4)
"""Multiples of the base at which answers are cut, by lot."""
WATCHED = CusumConfig(threshold=3.0)
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
        rows[kind] = table.loc["hierarchical", ["mae", "rmse"]].to_dict()
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
            off = np.log(estimates(stream, FOUND[name]).typical[at:] / stream.median[at:])
            recent = np.convolve(off, np.full(12, 1 / 12), "valid")
            times.append(int(np.argmax(recent > -np.log(1.1))))
    assert np.mean(found["hierarchical"]) <= 0.5 * np.mean(found["ema"]), found


@pytest.mark.parametrize("name", ["ema", "hierarchical"])
@pytest.mark.parametrize("spread", [0.3, 0.6])
def test_answers_cut_at_different_lengths_are_not_taken_for_short_ones(
    name: str, spread: float
) -> None:
    """Also where estimates are cut as the answers will be, which by itself is half the gain."""
    missed = []
    for censoring in (False, True):
        for seed in SEEDS:
            stream = draw_stream("step", spread, seed, limits=LIMITS, censoring=censoring)
            assert stream.most is not None
            typical = np.minimum(estimates(stream, FOUND[name]).typical, stream.most)
            missed.append(np.abs(typical - stream.length)[300:].mean())
    plain, known = np.array(missed).reshape(2, -1)
    assert (known < plain).all()
    assert known.mean() < (0.96 if name == "ema" else 0.85) * plain.mean()


def test_limits_cut_what_can_be_known_too() -> None:
    """The floor is of answers as they are served: median and mean of what is cut."""
    streams = [draw_stream("none", 0.6, seed, limits=LIMITS) for seed in SEEDS]
    for stream in streams:
        assert stream.mean is not None
        assert stream.median is not None
        assert stream.most is not None
        assert (stream.length <= stream.most).all()
        assert (stream.length <= stream.median).mean() >= 0.5
        assert stream.mean.mean() == pytest.approx(stream.length.mean(), rel=0.03)


@pytest.mark.parametrize("name", ["quantile", "conformal"])
@pytest.mark.parametrize("kind", ["none", "step", "random_walk", "heavy_tail"])
def test_a_bound_holds_as_often_as_it_says(kind: str, name: str) -> None:
    """Gibbs & Candès: whatever the lengths do, in the long run the share stays below."""
    bound = compensators_named([name])[name].model_copy(update={"share": 0.9})
    stream = draw_stream(kind, 0.6, 1, requests=20_000)
    below = stream.length <= estimates(stream, bound).typical
    assert below[300:].mean() == pytest.approx(0.9, abs=0.015)
    windows = np.convolve(below[300:], np.full(200, 1 / 200), "valid")
    assert windows.min() >= {"quantile": 0.7, "conformal": 0.78}[name]


def test_what_learns_the_mean_beats_who_sends_the_median_for_it() -> None:
    """Of skewed lengths a sum of medians is far too low: the mean output must be nearer."""
    found = compensators_named(["windowed_median", "kalman", "fixed_share", "rls", "hierarchical"])
    for name, spec in found.items():
        stream = draw_stream("none", 1.0, 4)
        typical, mean, _ = (each[300:] for each in estimates(stream, spec))
        assert stream.mean is not None
        truth = stream.mean[300:].mean()
        assert abs(mean.mean() / truth - 1) < 0.15 < 1 - typical.mean() / truth, name


@pytest.mark.parametrize("name", ["kalman", "fixed_share", "windowed_median"])
def test_on_the_log_scale_they_come_nearer_than_the_ema(name: str) -> None:
    """Without effects of tenant and prompt: what a category's level alone can tell."""
    found = compensators_named(["ema", name])
    streams = [draw_stream("step", 0.6, s, tenant_effect=0, prompt_effect=0) for s in SEEDS]
    table = closed(scores(streams, found)).set_index("compensator")
    assert (table.loc[name, ["mae_low", "rmse_low"]] > 0).all(), table


def test_the_stream_is_followed_as_the_gateway_would() -> None:
    """Python's own functions, one request after the other, give the same estimates."""
    stream = draw_stream("one_tenant", 0.6, 3, requests=400, late=7)
    for name, spec in compensators_named([*COMPENSATORS]).items():
        guess = estimates(stream, spec, WATCHED)
        np.testing.assert_allclose(guess, one_by_one(stream, spec), rtol=1e-9, err_msg=name)


def one_by_one(stream: Stream, spec: object) -> np.ndarray:
    from driftsched.estimation.compensators import CompensatorSpec
    from driftsched.scheduling.request import Request

    assert isinstance(spec, CompensatorSpec)
    compensator = spec.build(4, 3, WATCHED)
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
        known, alarm = n - 1 - stream.late, False
        if known >= 0:
            late = requests[known]
            compensator.learn_one(late, late.output_length / late.base_tokens)
            alarm = compensator.detectors[late.predicted].drift_detected
        one.bias = compensator.predict_one(one)
        base, mean = one.uncorrected_estimate, compensator.predict_mean_one(one)
        one.estimated_output_tokens = int(base * one.bias)
        found.append((base * one.bias, base * mean, alarm))
    return np.array(found).T
