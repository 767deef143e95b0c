"""Means of arrivals, lengths and shares against what the scenario declares, in standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from driftsched.scenario import load_scenario
from driftsched.traffic import ArrivalProcess, LengthDistribution
from driftsched.workload import generate

N = 200_000
LENGTHS = [
    {"kind": "constant", "tokens": 40},
    {"kind": "uniform", "low": 10, "high": 90},
    {"kind": "exponential", "mean_tokens": 200},
    {"kind": "lognormal", "mu": 5.0, "sigma": 0.7},
    {"kind": "gamma", "shape": 1.34, "scale": 863},
    {"kind": "weibull", "shape": 1.03, "scale": 259},
    {"kind": "empirical", "quantiles": [5, 40, 432, 902]},
]
ARRIVALS = [
    {"kind": "uniform", "low_s": 0.05, "high_s": 0.15},
    {"kind": "poisson", "rate_rps": 7},
    {"kind": "gamma", "rate_rps": 5.53, "cv": 1.09},
    {"kind": "gamma", "rate_rps": 2.57, "cv": 4},
]


def off_by(sample: NDArray[np.float64], mean: float) -> float:
    """Distance of the sample's mean from `mean` in standard errors; 0 for a constant."""
    error = float(sample.std(ddof=1)) / np.sqrt(len(sample))
    return abs(float(sample.mean()) - mean) / error if error > 0 else 0.0


@pytest.mark.parametrize("config", LENGTHS, ids=lambda c: c["kind"])
def test_length_has_its_declared_mean(config: dict[str, object]) -> None:
    """A wrong formula in sample() or mean would shift every load estimate."""
    distribution = TypeAdapter(LengthDistribution).validate_python(config)
    sample = distribution.sample(np.random.default_rng(11), N)
    assert off_by(sample, distribution.mean) < 4
    assert sample.mean() == pytest.approx(distribution.mean, rel=0.05)


@pytest.mark.parametrize("config", ARRIVALS, ids=["uniform", "poisson", "gamma", "gamma-bursty"])
def test_gap_has_its_declared_mean_and_variation(config: dict[str, object]) -> None:
    """Too bursty or too even arrivals would change every queue."""
    process = TypeAdapter(ArrivalProcess).validate_python(config)
    gaps = np.diff(process.first(np.random.default_rng(12), N), prepend=0.0)
    assert off_by(gaps, process.mean_gap_s) < 4
    expected_cv = {"uniform": 0.1 / np.sqrt(12) / 0.1, "poisson": 1.0}.get(process.kind)
    cv = expected_cv if expected_cv is not None else float(str(config["cv"]))
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


@pytest.mark.parametrize("bound", ["requests: 100000", "duration_s: 2000"])
def test_phase_keeps_its_rate_shares_and_lengths(bound: str) -> None:
    """The table as a whole: rate, tenant shares, mix, output mean, words per token."""
    phase = (
        "[{name: all, arrivals: {kind: poisson, rate_rps: 50}, "
        f"mix: {{short_qa: 0.1, summary: 0.2, technical: 0.4, report: 0.3}}, {bound}}}]"
    )
    limits = [f"categories.{i}.max_output_tokens=1000000" for i in range(4)]
    scenario = load_scenario(
        "paper", [f"phases={phase}", "cluster.context_tokens=2000000", *limits]
    )
    workload = generate(scenario, seed=13)
    n = len(workload)
    assert n == pytest.approx(100_000, abs=4 * np.sqrt(100_000))
    assert off_by(np.diff(workload.arrival_s), 1 / 50) < 4
    for index, tenant in enumerate(scenario.tenants):
        assert off_by((workload.tenant == index).astype(np.float64), tenant.share) < 4
    for index, category in enumerate(scenario.categories):
        mine = workload.category == index
        assert off_by(mine.astype(np.float64), scenario.phases[0].mix[category.name]) < 4
        tokens = workload.output_tokens[mine]
        assert off_by(tokens.astype(np.float64), category.output_tokens.mean) < 4
        ratio = workload.output_words[mine] / tokens
        long = tokens > 100  # rounding to whole words blurs the ratio of short answers
        assert ratio[long].mean() == pytest.approx(category.words_per_token, abs=0.001)
        assert ratio[long].std() == pytest.approx(category.words_per_token_sd, abs=0.002)


def test_components_are_uncorrelated() -> None:
    """Streams seeded alike would tie tenants to lengths and make unfair tenants by chance."""
    scenario = load_scenario("paper", ["phases.1.requests=100000"])
    workload = generate(scenario, seed=14)
    rows = slice(workload.segments[1].first, None)
    mine = workload.category[rows] == 3
    columns = [
        workload.tenant[rows][mine],
        workload.output_tokens[rows][mine],
        np.diff(workload.arrival_s[rows], prepend=0)[mine],
        workload.prompt_id[rows][mine],
    ]
    correlation = np.asarray(np.corrcoef(np.array(columns, dtype=np.float64)))
    off_diagonal = np.abs(correlation[~np.eye(len(columns), dtype=bool)])
    assert off_diagonal.max() < 4 / np.sqrt(mine.sum())
