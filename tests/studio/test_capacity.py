"""The Capacity page: what it says is what the library finds, for whatever goal is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.experiments.capacity import Capacity, capacities
from driftsched.experiments.fleet import prices_of
from driftsched.experiments.goal import Goal
from driftsched.simulation.compiled import warm_up
from driftsched.studio import capacity as page
from driftsched.studio.state import Key
from driftsched.studio.view import read_link
from tests.support.patience import STEP_S, tries

PAGE = Path(__file__).resolve().parents[2] / "pages" / "capacity.py"
SMALL = {"preset": "busy-gpu", "set": ["phases.0.requests=100"], "policies": "fifo,weighted"}


SEEDS = 8


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    monkeypatch.setattr(page, "SEEDS", SEEDS)


def settled(app: AppTest) -> AppTest:
    for _ in tries():
        app.run()
        assert not app.exception, app.exception[0].value
        if app.error or app.code:
            return app
    pytest.fail(f"no result; the page says {[m.value for m in app.markdown]}")


def opened(**params: Any) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    for name, value in (SMALL | params).items():
        app.query_params[name] = value
    return settled(app)


def test_what_is_said_is_what_the_library_finds() -> None:
    app = opened(goal="P95 first token", goal_s="3")
    view = read_link({k: [v] if isinstance(v, str) else v for k, v in SMALL.items()})
    (tenant,) = view.scenario.about.tenants
    found = capacities(view.variants, Goal("p95_ttft_ms", 3000.0, tenant), most_seeds=SEEDS)
    best = max(found, key=lambda policy: found[policy].value)
    said = f"**{policy_label(best)} bears {found[best]} times today's load**"
    assert any(m.value.startswith(said) for m in app.main.markdown)
    command = app.code[0].value
    assert f"--goal 'p95_ttft_ms<=3000' --tenant {tenant} --policies fifo,weighted" in command


def test_gpus_are_counted_with_their_prices_and_stand_in_the_link() -> None:
    app = opened(sizing="Fewest GPUs", gpus="L4=0.5")
    assert app.number_input(key="price-L4").value == 0.5
    app.button_group(key=Key.GPUS).set_value(["L4", "H100"])
    settled(app)
    app.number_input(key="price-H100").set_value(4.0)
    settled(app)
    assert app.query_params["gpus"] == "L4=0.5,H100=4"
    table = app.dataframe[0].value
    assert [*table["GPU"]] == ["L4", "H100"]
    assert table["An hour"].astype(float).tolist() == [
        float(n) * price for n, price in zip(table["GPUs"], (0.5, 4.0), strict=True)
    ]


def test_a_goal_that_nobody_has_is_one_message() -> None:
    tenants = read_link({k: [v] if isinstance(v, str) else v for k, v in SMALL.items()}).scenario
    none = [f"tenants.{n}.slo.{part}=null" for n in range(len(tenants.tenants)) for part in SLOS]
    app = opened(set=[*SMALL["set"], *none])
    assert [error.value for error in app.error] == [
        "goal slo\\_attainment needs SLOs, got tenants without any"
    ]


SLOS = ("ttft_s", "tpot_s", "e2e_s")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "gpus must name"), ("L4=-1", "must be from 0 on"), ("L4=x", "must be a number")],
)
def test_prices_that_cannot_be_read_are_one_message(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        prices_of(text)


def test_words_of_what_lies_beyond() -> None:
    assert str(Capacity(0.0, 0.0, 1.0, 8)).startswith("less")
    assert not Capacity(float("inf"), 1.0, float("inf"), 8).known
