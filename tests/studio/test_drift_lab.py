"""The Drift lab: each choice changes what is said, and stands in the address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.experiments.lab import KINDS
from driftsched.experiments.worth import MEASURES
from driftsched.simulation.compiled import warm_up
from driftsched.studio.state import Key
from driftsched.studio.view import labels, read_link
from tests.support.markdown import read
from tests.support.patience import STEP_S, tries

PAGE = Path(__file__).resolve().parents[2] / "pages" / "drift_lab.py"


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    warm_up()


def said(app: AppTest) -> list[str]:
    """The sentences of both parts."""
    marks = ("closes", "errs", "Choose", "predictor", "estimates")
    return [m.value for m in app.main.markdown if any(mark in m.value for mark in marks)]


def settled(app: AppTest) -> AppTest:
    for _ in tries():
        app.run()
        assert not app.exception, app.exception[0].value
        if len(said(app)) == 2 or app.error:
            return app
    pytest.fail(f"no result; the page says {[m.value for m in app.markdown]}")


def opened(**params: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params.update(params)
    return settled(app)


CONTROLS: dict[str, Callable[[AppTest], object]] = {
    "drift": lambda app: app.selectbox(key=Key.LAB_DRIFT).set_value("one_tenant"),
    "own": lambda app: app.selectbox(key=Key.LAB_DRIFT).set_value("own"),
    "spread": lambda app: app.selectbox(key=Key.LAB_SPREAD).set_value(0.3),
    "effect": lambda app: app.selectbox(key=Key.LAB_EFFECT).set_value(0.0),
    "late": lambda app: app.selectbox(key=Key.LAB_LATE).set_value(50),
    "detector": lambda app: app.selectbox(key=Key.LAB_DETECTOR).set_value("cusum"),
    "compensators": lambda app: app.button_group(key=Key.LAB_WITH).set_value(["quantile"]),
    "policy": lambda app: app.selectbox(key=Key.LAB_POLICY).set_value("srpt"),
    "measure": lambda app: app.selectbox(key=Key.LAB_MEASURE).set_value("p99_s"),
}


@pytest.mark.parametrize("change", CONTROLS.values(), ids=CONTROLS)
def test_a_choice_changes_what_is_said_and_the_link(change: Callable[[AppTest], object]) -> None:
    app = opened()
    before = said(app)
    change(app)
    settled(app)
    assert said(app) != before
    shared = {name: app.query_params[name] for name in app.query_params}
    link = {name: [each] if isinstance(each, str) else each for name, each in shared.items()}
    assert read_link(link) == app.session_state["view"]
    assert said(opened(**{name: each[-1] for name, each in link.items()})) == said(app)


def test_every_drift_and_measure_has_its_label() -> None:
    assert set(labels("lab_drift")) == {*KINDS, "own"}
    assert set(labels("lab_measure")) == set(MEASURES)


def test_every_control_explains_itself() -> None:
    app = opened()
    controls = [*app.main.selectbox, *app.main.button_group]
    assert len(controls) == 9
    assert all(control.help for control in controls)


def test_fifo_gains_nothing_by_better_estimates() -> None:
    assert "does not look at estimates" in said(opened(lab_policy="FIFO"))[1]


def test_a_wrong_name_in_a_link_is_one_notice_and_the_default() -> None:
    app = opened(lab_with="ema,magic")
    assert len(app.warning) == 1
    assert "lab_with must be among none, ema" in read(app.warning[0].value)
    assert "got 'magic'" in read(app.warning[0].value)
    assert app.session_state["view"].lab_with == ("ema", "hierarchical")


def test_a_closed_loop_has_a_stream_but_no_worth() -> None:
    app = opened(preset="closed-loop", lab_drift="This scenario's")
    assert "must have open arrivals" in read(app.error[0].value)
    for _ in tries():  # the error needs no worker, and is there first
        if any("errs" in one for one in said(app)):
            return
        app.run()
    pytest.fail(f"no stream; the page says {[m.value for m in app.markdown]}")


def test_a_scenario_that_cannot_run_is_one_message() -> None:
    app = opened(set="cluster.memory_utilisation=0.01")
    assert len(app.error) == 1
    assert "\n" not in read(app.error[0].value)
