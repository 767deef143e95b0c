"""The Compare page: what it says is what the library finds, for saved runs and those at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.charts.comparison import Compared
from driftsched.core.errors import InputError
from driftsched.experiments.side_by_side import SideBySide, replications
from driftsched.results import RunLibrary
from driftsched.scenario import changed
from driftsched.simulation import simulate
from driftsched.simulation.compiled import warm_up
from driftsched.studio.compare import answer
from driftsched.studio.explore.headline import plain_but_bold
from driftsched.studio.state import Key
from driftsched.studio.view import read_link
from tests.support.patience import STEP_S, tries

PAGE = Path(__file__).resolve().parents[2] / "pages" / "compare.py"
SMALL = {"preset": ["busy-gpu"], "set": ["phases.0.duration_s=20"]}
SEEDS = 3


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    monkeypatch.setattr(answer, "SEEDS", SEEDS)


def settled(app: AppTest, done: Callable[[AppTest], bool]) -> AppTest:
    for _ in tries():
        app.run()
        assert not app.exception, app.exception[0].value
        if done(app):
            return app
    pytest.fail(f"no result; the page says {[m.value for m in app.markdown]}")


def opened(done: Callable[[AppTest], bool], **params: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    for name, value in (SMALL | params).items():
        app.query_params[name] = value
    return settled(app, done)


def sure(app: AppTest) -> bool:
    return any(f"over {SEEDS} replications" in caption.value for caption in app.caption)


def test_the_policies_at_hand_are_one_click_away() -> None:
    app = opened(lambda app: bool(app.info), policies="fifo,sjf", level="P50")
    next(b for b in app.main.button if b.label.startswith("Compare the policies")).click()
    settled(app, sure)
    assert app.query_params["runs"] == "@fifo,@sjf"
    scenario = read_link(SMALL).effective
    runs = {
        name: replications(simulate(changed(scenario, policy={"kind": kind})), SEEDS)
        for name, kind in (("FIFO", "fifo"), ("SJF", "sjf"))
    }
    found = Compared.of(SideBySide(runs))
    assert app.main.markdown[0].value == plain_but_bold(found.sentence("p50_e2el_ms"))
    app.selectbox(key=Key.BASELINE).set_value("@sjf")
    settled(app, lambda app: app.main.markdown[0].value.startswith("**FIFO against SJF"))
    assert app.query_params["baseline"] == "@sjf"


def test_saved_runs_of_one_policy_are_told_apart_and_what_differs_is_said() -> None:
    scenario = read_link(SMALL).effective
    small = changed(scenario, engine__batch_size=8, title="Small")
    ids = [RunLibrary().save(simulate(one)) for one in (scenario, small)]
    app = opened(sure, runs=",".join(ids), beside_tab="What differs", level="P50")
    title = scenario.title
    assert app.main.markdown[0].value.startswith(f"**FIFO, Small against FIFO, {title}: median")
    table = app.dataframe[0].value
    assert [*table.index] == ["engine.batch_size"]
    assert [*table.columns] == [f"FIFO, {title}", "FIFO, Small"]


def test_a_run_that_is_not_there_is_one_message() -> None:
    app = opened(lambda app: bool(app.error), runs="nobody,@fifo")
    assert len(app.error) == 1
    assert "must be the id of a saved run" in app.error[0].value


@pytest.mark.parametrize(
    ("runs", "said"),
    [("../etc,@fifo", "must be ids of saved runs"), (",".join("abcdefghi"), "at most 8, got 9")],
)
def test_a_link_with_no_such_runs_says_why(runs: str, said: str) -> None:
    view = read_link({"runs": [runs]})
    assert view.runs == ()
    assert any(said in problem for problem in view.problems)
    with pytest.raises((InputError, ValueError), match=said):
        view.changed(runs=runs)
