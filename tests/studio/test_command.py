"""The command line on the Run page repeats exactly the run that is shown."""

from __future__ import annotations

import shlex

import pytest

from driftsched.scenario import (
    Scenario,
    changed,
    load_scenario,
    preset_names,
    with_load,
    with_policy,
)
from driftsched.studio.run.page import command_line


def repeated(command: str) -> Scenario:
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "driftsched", "run"]
    assert words[5::2] == ["--set"] * len(words[5::2])
    return load_scenario(words[4], words[6::2])


@pytest.mark.parametrize("preset", preset_names())
def test_command_repeats_a_changed_preset(preset: str) -> None:
    scenario = with_load(with_policy(load_scenario(preset), "sjf"), 1.3)
    scenario = changed(scenario, seed=99, title="it's 100 % $HOME; rm")
    assert repeated(command_line(scenario, preset)) == scenario


def test_untouched_preset_is_its_name() -> None:
    assert command_line(load_scenario("paper"), "paper") == "python -m driftsched run paper"


def test_load_changes_how_fast_requests_come_but_not_how_many() -> None:
    paper = load_scenario("paper")
    faster = with_load(paper, 2)
    assert [p.requests for p in faster.phases] == [p.requests for p in paper.phases]
    pairs = zip(paper.phases, faster.phases, strict=True)
    for before, after in pairs:
        assert before.arrivals is not None
        assert after.arrivals is not None
        assert after.arrivals.rate == 2 * before.arrivals.rate
    recorded = changed(paper, phases=[], trace={"file": "traffic.csv", "time_scale": 3})
    trace = with_load(recorded, 2).trace
    assert trace is not None
    assert trace.time_scale == 1.5


def test_same_policy_keeps_its_parameters() -> None:
    paper = changed(load_scenario("paper"), policy={"kind": "aging", "rate": 0.5})
    assert with_policy(paper, "aging") == paper
    assert with_policy(paper, "fifo").policy.kind == "fifo"
