"""Tuning: it finds what is there to be found, says where there is nothing, and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driftsched.core.errors import InputError
from driftsched.experiments.sweeps import scenario_at
from driftsched.experiments.tuning import Tuning, default_space, tune
from driftsched.experiments.tuning.scores import Task, means, scored
from driftsched.scenario import Scenario, load_scenario, with_length_step, with_load
from driftsched.scheduling.policies import POLICIES
from tests.support.scenarios import small

FEW: dict[str, Any] = {"seeds": 2, "held_out": 6}


@pytest.fixture(scope="module")
def crowded() -> Scenario:
    """Short and long answers at once, so that who goes first matters."""
    return load_scenario("paper", ["phases.0.requests=40", "phases.1.requests=120"])


def asked(scenario: Scenario, *over: str, **more: Any) -> Tuning:
    return Tuning.model_validate({"scenario": scenario, "over": over} | FEW | more)


def test_what_is_better_is_found_and_holds_on_other_seeds(crowded: Scenario) -> None:
    found = tune(asked(crowded, "policy=fifo,sjf", objectives=("p50_e2el_ms",)), 6)
    (best,) = found.candidates
    assert best.settings == {"policy": "sjf"}
    assert found.gains(best)
    assert best.held_out[0] < found.held_out[0]
    assert found.says().startswith("P50 end-to-end latency is ")


def test_where_nothing_is_to_be_gained_it_says_so(crowded: Scenario) -> None:
    """Of twenty settings that do the same one is best by chance, if one looks at chance."""
    found = tune(asked(crowded, "seed=1,2,3,4,5", objectives=("p50_e2el_ms",)), 5)
    assert found.says() == (
        "No gain in P50 end-to-end latency that holds on what the search did not see"
    )
    assert found.candidates[0].changes[0].mean == 0


def test_scores_are_those_of_the_worst_drift(crowded: Scenario) -> None:
    seeds = range(3, 5)
    tuning = asked(
        crowded, "policy=sjf", drifts=(0.5, 2.0), objectives=("p99_e2el_ms", "least_share")
    )
    found = scored(Task(0, tuning, crowded, {"policy": "sjf"}, seeds))
    one = [
        scored(
            Task(
                0,
                asked(crowded, "policy=sjf", objectives=tuning.objectives),
                each,
                {"policy": "sjf"},
                seeds,
            )
        )
        for each in (with_length_step(crowded, drift) for drift in tuning.drifts)
    ]
    for worst, place in ((max, 0), (min, 1)):
        each_seed = zip(*(scores[place] for scores in one), strict=True)
        assert found[place] == [worst(values) for values in each_seed]


def test_several_objectives_give_a_front(crowded: Scenario) -> None:
    wanted = ("p50_e2el_ms", "least_share")
    found = tune(asked(crowded, f"policy={','.join(POLICIES)}", objectives=wanted), 30)
    values = [one.searched for one in found.candidates]
    assert len(values) > 1
    assert not [(a, b) for a in values for b in values if a != b and a[0] <= b[0] and a[1] >= b[1]]


def test_a_stopped_search_goes_on_and_other_questions_are_others(
    crowded: Scenario, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'tuning.db'}"
    tuning = asked(crowded, "policy=fifo,sjf,aging", "aging.rate=0.001:0.1:log")

    def stop(share: float) -> None:
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tuning, 8, storage=storage, progress=stop)
    found = tune(tuning, 8, storage=storage)
    assert found.trials == 8
    assert tune(tuning, 8, storage=storage) == found
    other = tuning.model_copy(update={"drifts": (2.0,)})
    assert tune(other, 2, storage=storage).trials == 2


def test_a_policys_parameters_are_tried_under_it_alone(crowded: Scenario) -> None:
    over = default_space(crowded)
    assert f"policy={','.join(POLICIES)}" in over
    assert any(text.startswith("aging.rate=") and text.endswith(":log") for text in over)
    found = tune(asked(crowded, *over, objectives=("p99_e2el_ms",)), 15)
    assert found.failed == {}
    scenario_at(crowded, found.candidates[0].settings)


def test_it_is_judged_on_the_traffic_that_is_named(crowded: Scenario) -> None:
    tuning = asked(crowded, "policy=sjf", objectives=("p50_e2el_ms",))
    calm = with_load(crowded, 0.1)
    found = tune(tuning, 1, unseen=calm)
    seeds = tuning.seeds_of(5 * FEW["seeds"], FEW["held_out"])
    assert found.held_out == means(scored(Task(0, tuning, calm, {}, seeds)))
    assert found.searched == means(scored(Task(0, tuning, crowded, {}, tuning.seeds_of(0, 2))))


def test_settings_that_are_no_scenario_have_their_reason(crowded: Scenario) -> None:
    found = tune(asked(crowded, "engine.batch_size=0,4", objectives=("p50_e2el_ms",)), 6)
    (reason,) = found.failed
    assert reason.startswith("engine.batch_size must be")
    assert found.trials + found.failed[reason] == 6
    assert found.candidates[0].settings == {"engine.batch_size": 4}


@pytest.mark.parametrize(
    ("over", "more", "said"),
    [
        (["policy=sjf"], {"objectives": ("p98",)}, "^metric must be one of p50_e2el_ms, "),
        (["policy"], {}, "^a parameter must be name=values"),
        (["load=1,2", "load=3"], {}, "^over must name each parameter once"),
    ],
)
def test_wrong_input_is_one_message(over: list[str], more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tune(asked(small(), *over, **more), 1)


def test_an_objective_without_a_meaning_is_told_before_the_search() -> None:
    with pytest.raises(InputError, match=r"^metric slo_attainment has no meaning here"):
        tune(asked(small(), "policy=fifo,sjf", objectives=("slo_attainment",)), 1)
