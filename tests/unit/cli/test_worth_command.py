"""``driftsched worth``: what better estimates would change."""

from __future__ import annotations

import pytest

from driftsched.experiments.worth import estimators, pays, worth
from driftsched.scenario import load_scenario
from tests.support.commands import SMALL, called, data_of

ASKED = ("worth", SMALL, "--policies", "sjf,fifo", "--compensators", "ema", "--tau", "0.5")


def test_the_answer_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, *ASKED, "--sigma", "0.3", "--seeds", "2", "--json")
    scenario = load_scenario(SMALL)
    asked = estimators(scenario, compensators=["ema"], taus=[0.5], sigmas=[0.3], replications=2)
    table = worth(asked, ["sjf", "fifo"], 2)
    assert [row["estimate"] for row in data["worth"]] == list(table["estimate"])
    assert [row["value"] for row in data["worth"]] == pytest.approx(
        list(table["value"]), nan_ok=True
    )
    assert data["answers"]["sjf"] == pays(table, "sjf").replace("**", "")


def test_people_get_a_table_and_a_sentence_a_policy(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, *ASKED, "--seeds", "2")
    sjf, fifo = out.strip().split("\n\n")
    assert sjf.splitlines()[2].startswith("today ")
    assert "better predictor" in sjf.splitlines()[-1]
    assert fifo.splitlines()[0] == "FIFO"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--tau", "0.5,much", "must be numbers with commas, got '0.5,much'"),
        ("--tau", "3", "tau must be <= 1"),
        ("--policies", "", "policies must name at least one of"),
        ("--predictors", "psychic", "predictor must be one of category"),
    ],
)
def test_what_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    code, out, err = called(capsys, *ASKED, option, value)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
