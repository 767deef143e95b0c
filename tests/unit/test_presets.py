"""Every preset loads, says what it asks, and makes traffic that a studio runs at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from driftsched.experiments.load import offered_load
from driftsched.scenario import from_yaml, load_scenario, preset_names, to_yaml
from driftsched.workload import generate


def test_the_presets_are_there() -> None:
    """A preset renamed or lost would break links and the documentation."""
    expected = {"paper", "paper-continuous", "noisy-neighbour", "flash-crowd", "azure-conversation"}
    assert expected <= set(preset_names())
    assert len(preset_names()) >= 12


@pytest.mark.parametrize("name", preset_names())
def test_preset_is_listed_with_its_question(name: str) -> None:
    """A preset that is not in the documentation is found by nobody."""
    listed = (Path(__file__).parents[2] / "docs" / "presets.md").read_text(encoding="utf-8")
    scenario = load_scenario(name)
    row = f"| [`{name}`](../presets/{name}.yaml) | {scenario.title} | {scenario.question} |"
    assert row in listed


@pytest.mark.parametrize("name", preset_names())
def test_preset_loads_and_generates(name: str) -> None:
    """A preset that fails is the first thing a new user would see."""
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.question.endswith("?")
    assert from_yaml(to_yaml(scenario)) == scenario
    workload = generate(scenario)
    assert 500 <= len(workload) <= 3500
    assert set(np.unique(workload.tenant)) == set(range(len(scenario.tenants)))
    assert set(np.unique(workload.category)) == set(range(len(scenario.categories)))


@pytest.mark.parametrize(
    ("name", "loads"),
    [
        ("azure-conversation", [0.8]),
        ("busy-gpu", [0.9]),
        ("noisy-neighbour", [0.7, 1.65, 0.7]),
        ("flash-crowd", [0.6, 3.0, 0.6]),
        ("swap-lengths", [0.9]),
        ("unknown-bases", [0.9]),
        ("one-tenant-drifts", [0.9 / (0.6 + 2 * 0.4)]),  # before the drift
    ],
)
def test_preset_has_the_load_it_tells_of(name: str, loads: list[float]) -> None:
    """The comments in the presets name shares of capacity; a changed GPU would make them wrong."""
    phases = offered_load(load_scenario(name)).phases
    assert [phase.rho for phase in phases] == pytest.approx(loads, rel=0.06)


def test_noisy_neighbour_sends_five_times_and_the_others_the_same() -> None:
    """Shares that do not match the rate would let the others change their traffic too."""
    scenario = load_scenario("noisy-neighbour")
    calm, noisy = scenario.phases[:2]
    assert noisy.shares is not None
    assert calm.arrivals is not None
    assert noisy.arrivals is not None
    calm_rps = [t.share * calm.arrivals.rate for t in scenario.tenants]
    noisy_rps = [noisy.shares[t.name] * noisy.arrivals.rate for t in scenario.tenants]
    assert [n / c for n, c in zip(noisy_rps, calm_rps, strict=True)] == pytest.approx(
        [1, 1, 5], rel=0.01
    )


def test_paper_continuous_differs_from_paper_in_the_engine_only() -> None:
    """The comparison of the two is about batching and nothing else."""
    paper, other = load_scenario("paper"), load_scenario("paper-continuous")
    same = {"name", "title", "question", "engine"}
    assert paper.model_dump(exclude=same) == other.model_dump(exclude=same)
    assert (paper.engine.mode, other.engine.mode) == ("gang", "continuous")
    assert paper.engine.batch_size == other.engine.batch_size


def test_papers_answers_often_hit_the_maximum() -> None:
    """With answers mostly under the base there would be no upward drift to correct."""
    scenario = load_scenario("paper")
    workload = generate(scenario)
    cut = workload.output_tokens == workload.max_output_tokens
    shares = [cut[workload.category == i].mean() for i in range(4)]
    assert shares == pytest.approx([0.88, 0.62, 0.43, 0.87], abs=0.05)
