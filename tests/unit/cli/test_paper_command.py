"""``driftsched paper``: the published claims, and ours."""

from __future__ import annotations

import pytest

from driftsched.experiments import reproduce
from driftsched.experiments.papers import PAPERS
from driftsched.experiments.sensitivities import moves, sensitivities
from driftsched.scenario import changed, load_scenario
from tests.support.commands import called, data_of

SHORT = ("--set", "phases.0.requests=60", "--set", "phases.1.requests=120")
ASKED = ("paper", *SHORT, "--seeds", "2", "--unit", "tokens", "--assumptions")


def test_figures_are_those_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, *ASKED, "--json")
    scenario = load_scenario("paper", SHORT[1::2])
    claims = reproduce(scenario, seeds=2, unit="tokens").claims
    table = sensitivities(scenario, seeds=2, unit="tokens")
    assert data["unit"] == "tokens"
    for name, frame in (("claims", claims), ("assumptions", table)):
        ours = [row["ours_percent"] for row in data[name]]
        assert ours == pytest.approx(frame["ours_percent"].tolist())
    assert data["moves"] == moves(table)


def test_people_get_a_row_a_claim_and_a_row_an_assumption(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = called(capsys, *ASKED)
    claims, assumptions, said = out.strip().split("\n\n")
    assert len(claims.splitlines()) == 8
    heads = [line.split("  ")[0] for line in assumptions.splitlines()[1:]]
    assert heads[:2] == ["published", "as it is"]
    assert heads[-1] == "batch only"
    assert said.startswith("What moves each most: MAE")
    _, out, _ = called(capsys, *ASKED[:-1])
    assert "as it is" not in out


def test_another_paper_is_named_and_its_settings_can_be_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = ("--set", "phases.0.requests=40", "--set", "phases.0.duration_s=null")
    data = data_of(capsys, "paper", "vtc", "--seeds", "2", *few, "--json")
    paper = PAPERS["vtc"]
    (scenario,) = paper.scenarios.values()
    phase = scenario.phases[0].model_dump() | {"requests": 40, "duration_s": None}
    claims = paper.judge({"arena": changed(scenario, phases=[phase])}, 2, None).claims
    assert [row["ours_percent"] for row in data["claims"]] == claims["ours_percent"].tolist()
    assert (data["paper"], data["source"]) == ("vtc", paper.source)
    assert data["assumed"]
    code, _, err = called(capsys, "paper", "vtc", "--assumptions")
    assert code == 2
    assert "--assumptions must be left out but for driftsched, got it for vtc" in err
