"""``driftsched capacity``: the highest load, the fewest GPUs."""

from __future__ import annotations

import pytest

from driftsched.experiments.capacity import capacity
from driftsched.experiments.goal import Goal
from driftsched.scenario import load_scenario, with_policy
from tests.support.commands import SMALL, called, data_of

ASKED = ("capacity", SMALL, "--goal", "p95_ttft_ms<=3000", "--precision", "0.2", "--seeds", "4")


def test_the_answer_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, *ASKED, "--policies", "fifo,sjf", "--json")
    scenario, goal = load_scenario(SMALL), Goal("p95_ttft_ms", 3000.0)
    for policy, found in data["policies"].items():
        mine = capacity(with_policy(scenario, policy), goal, precision=0.2, most_seeds=4)
        assert found == pytest.approx(mine._asdict())


def test_people_get_a_table_or_a_line_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, *ASKED)
    head, row, *_ = out.splitlines()
    assert head.split() == ["policy", "times", "today's", "load", "requests/s", "seeds"]
    assert row.startswith("FIFO ")
    _, out, _ = called(capsys, *ASKED, "--gpus", "L4=0.5,T4")
    priced, other = out.splitlines()
    assert priced.startswith("L4: ")
    assert " an hour; " in priced
    assert other.startswith("T4: ")
    assert " an hour" not in other


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--goal", "fast", "goal must be a latency"),
        ("--tenant", "nobody", "tenant must be one of"),
        ("--gpus", "L4=cheap", "gpus: price of L4 must be a number, got 'cheap'"),
        ("--gpus", "X1", "'X1'"),
        ("--precision", "0", "precision > 0"),
    ],
)
def test_wrong_input_is_one_message(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    code, _, err = called(capsys, *ASKED, option, value)
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
