"""Every length distribution: draws, mean, quantiles and CDF must tell of the same distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from driftsched.scenario import load_scenario
from driftsched.traffic import LENGTHS, LengthDistribution
from driftsched.workload import generate

N = 100_000
CONFIGS: list[dict[str, Any]] = [
    {"kind": "constant", "tokens": 40},
    {"kind": "uniform", "low": 10, "high": 90},
    {"kind": "exponential", "mean_tokens": 200},
    {"kind": "lognormal", "mu": 5.0, "sigma": 0.7},
    {"kind": "gamma", "shape": 0.46, "scale": 338},
    {"kind": "gamma", "shape": 1.34, "scale": 863},
    {"kind": "weibull", "shape": 1.03, "scale": 259},
    {"kind": "empirical", "quantiles": [5, 40, 40, 432, 902]},
    {"kind": "mixture"},
    {
        "kind": "mixture",
        "parts": [
            {"weight": 1, "length": {"kind": "uniform", "low": 1, "high": 50}},
            {"weight": 2, "length": {"kind": "gamma", "shape": 2, "scale": 100}},
            {"weight": 1, "length": {"kind": "empirical", "quantiles": [600, 700, 1500]}},
        ],
    },
]
CASES = [pytest.param(config, id=f"{config['kind']}-{n}") for n, config in enumerate(CONFIGS)]


def built(config: dict[str, Any]) -> LengthDistribution:
    built: LengthDistribution = TypeAdapter(LengthDistribution).validate_python(config)
    return built


def test_every_kind_is_checked_here() -> None:
    """A kind added without statistics would go out untested."""
    assert {config["kind"] for config in CONFIGS} == set(LENGTHS)


@pytest.mark.parametrize("config", CASES)
def test_draws_follow_the_cdf(config: dict[str, Any]) -> None:
    """Kolmogorov–Smirnov: a wrong CDF would spoil every fit and every preview."""
    distribution = built(config)
    sample = np.sort(distribution.sample(np.random.default_rng(21), N))
    at = distribution.cdf(sample)
    # Right of each draw and just left of it, so that jumps are no difference.
    left = distribution.cdf(np.nextafter(sample, 0))
    rank = np.arange(1, N + 1) / N
    over, under = (rank - at).max(), (left - (rank - 1 / N)).max()
    assert max(over, under) < 1.95 / np.sqrt(N)  # 0.1 % level


@pytest.mark.parametrize("config", CASES)
def test_quantile_inverts_the_cdf(config: dict[str, Any]) -> None:
    """Correlated lengths and fitted curves are drawn by quantiles."""
    distribution = built(config)
    p = np.linspace(0.001, 0.999, 997)
    tokens = distribution.quantile(p)
    assert (np.diff(tokens) >= 0).all()
    assert (distribution.cdf(tokens) >= p - 1e-9).all()
    assert (distribution.cdf(tokens * (1 - 1e-9) - 1e-9) <= p + 1e-6).all()


@pytest.mark.parametrize("config", CASES)
def test_mean_is_the_integral_of_the_quantiles(config: dict[str, Any]) -> None:
    """The declared mean decides the predicted load."""
    distribution = built(config)
    p = (np.arange(200_000) + 0.5) / 200_000
    assert distribution.quantile(p).mean() == pytest.approx(distribution.mean, rel=0.003)


@pytest.mark.parametrize("config", CASES)
def test_more_draws_go_on_with_the_stream(config: dict[str, Any]) -> None:
    """Common random numbers: a longer phase must not redraw the requests it shares."""
    distribution = built(config)
    few = distribution.sample(np.random.default_rng(3), 50)
    many = distribution.sample(np.random.default_rng(3), 500)
    assert np.array_equal(few, many[:50])


@pytest.mark.parametrize("rank", [-0.8, 0.0, 0.3, 0.9])
def test_prompt_and_answer_have_the_rank_correlation_asked_for(rank: float) -> None:
    """And both keep their own distribution, whatever the correlation."""
    one = (
        "[{name: all, requests: 40000, arrivals: {kind: poisson, rate_rps: 50}, mix: {report: 1}}]"
    )
    scenario = load_scenario(
        "paper",
        [
            f"phases={one}",
            "cluster.context_tokens=1000000",
            "categories.3.max_output_tokens=500000",
            "categories.3.prompt_tokens={kind: gamma, shape: 1.34, scale: 863}",
            "categories.3.output_tokens={kind: weibull, shape: 1.03, scale: 2590}",
            f"categories.3.length_correlation={rank}",
        ],
    )
    workload = generate(scenario)
    found = stats.spearmanr(workload.prompt_tokens, workload.output_tokens).statistic
    assert found == pytest.approx(rank, abs=0.02)
    for tokens, distribution in (
        (workload.prompt_tokens, scenario.categories[3].prompt_tokens),
        (workload.output_tokens, scenario.categories[3].output_tokens),
    ):
        assert distribution is not None
        ranks = np.arange(1, 40_001) / 40_000
        gap = np.abs(distribution.cdf(np.sort(tokens.astype(np.float64)) + 0.5) - ranks).max()
        assert gap < 1.95 / np.sqrt(40_000) + 0.002  # 0.1 % level, and the rounding to tokens


def test_correlation_leaves_other_categories_alone() -> None:
    """One category's setting must not move another one's draws."""
    lengths = "categories.3.prompt_tokens={kind: gamma, shape: 1.34, scale: 863}"
    plain = generate(load_scenario("paper", [lengths]))
    tied = generate(load_scenario("paper", [lengths, "categories.3.length_correlation=0.5"]))
    others = plain.category != 3
    assert np.array_equal(plain.output_tokens[others], tied.output_tokens[others])
    assert np.array_equal(plain.prompt_tokens[others], tied.prompt_tokens[others])
    assert not np.array_equal(plain.output_tokens, tied.output_tokens)
