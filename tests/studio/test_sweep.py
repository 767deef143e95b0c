"""The Sweep page: choices change the table and stand in the address; a mistake is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.core.errors import ScenarioError
from driftsched.experiments.sweeps import Sweep
from driftsched.scenario import load_scenario, parse_scenario, preset_names
from driftsched.simulation.compiled import warm_up
from driftsched.studio import work
from driftsched.studio.state import Key
from driftsched.studio.sweep.parameters import usual_values
from driftsched.studio.traces import store_trace
from driftsched.studio.view import View, read_link
from tests.support.markdown import read
from tests.support.patience import STEP_S, tries

PAGE = Path(__file__).resolve().parents[2] / "pages" / "sweep.py"
SMALL = {"preset": "paper", "set": "phases.1.requests=50", "sweep_seeds": "1"}


def unheard(share: float) -> None:
    pass


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    warm_up()


def settled(app: AppTest) -> AppTest:
    for _ in tries():
        app.run()
        assert not app.exception, app.exception[0].value
        if app.dataframe or app.error:
            return app
    pytest.fail("no result")


def opened(**params: str | list[str]) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params.update(SMALL | params)
    return settled(app)


def command(app: AppTest) -> str:
    return str(app.code[0].value)


CHANGES: dict[str, tuple[Callable[[AppTest], object], str]] = {
    "parameter": (
        lambda app: app.selectbox(key="sweep-name-2").set_value("engine.batch_size"),
        "--over engine.batch_size=16,32,64",
    ),
    "one less": (
        lambda app: app.selectbox(key="sweep-name-0").set_value(None),
        "phases.1.requests=50 --over load=0.6:1.2:7",
    ),
    "values": (
        lambda app: app.text_input(key="sweep-values-1").set_value("0.5,0.9"),
        "--over load=0.5,0.9",
    ),
    "seeds": (lambda app: app.selectbox(key=Key.SWEEP_SEEDS).set_value(3), "--seeds 3"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_choice_is_in_the_command_and_the_link(
    change: Callable[[AppTest], object], said: str
) -> None:
    app = opened()
    assert said not in command(app)
    change(app)
    settled(app)
    assert said in command(app)
    shared = {name: app.query_params[name] for name in app.query_params}
    link = {name: [each] if isinstance(each, str) else each for name, each in shared.items()}
    assert read_link(link) == app.session_state["view"]


def test_the_table_is_what_the_command_gives() -> None:
    app = opened(over=["policy=fifo,sjf", "load=0.5,1"])
    shown = app.dataframe[0].value
    assert shown["policy"].tolist() == ["fifo", "fifo", "sjf", "sjf"]
    scenario = load_scenario("paper", [SMALL["set"]])
    table = work.sweep(scenario, 1, 4, ["policy=fifo,sjf", "load=0.5,1"], "", progress=unheard)
    assert shown["P95 end-to-end latency (s)"].tolist() == [
        pytest.approx(value / 1e3) for value in table["p95_e2el_ms"]
    ]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"over": "nonsense=1"}, "nonsense is not a field of a scenario"),
        ({"over": "load"}, "a parameter must be name=values"),
        ({"over": "load=0.5:1.2"}, "must have steps"),
        ({"over": "load=1:2:1001"}, "at most 1000 points, got 1,001"),
        ({"over": "phases.1.requests=10000000"}, "at most 2,000,000 requests in all"),
    ],
    ids=str,
)
def test_what_cannot_be_swept_is_one_line(params: dict[str, str], said: str) -> None:
    app = opened(**params)
    assert len(app.error) == 1
    assert said in read(app.error[0].value)
    assert not app.dataframe


def test_no_file_of_the_server_is_read_by_a_parameter() -> None:
    """A link's text is anybody's; errors of a file that is read would show what is in it."""
    file = store_trace(b"req_time,client,prompt_len,output_len\n" + b"1,a,2,3\n" * 9)
    data = load_scenario("paper").model_dump(by_alias=True)
    scenario = parse_scenario(data | {"phases": (), "trace": {"file": file}})
    assert len(work.sweep(scenario, 1, 2, ["policy=fifo,sjf"], "", progress=unheard)) == 2
    with pytest.raises(ScenarioError, match="must be a file uploaded"):
        work.sweep(scenario, 1, 1, ["trace.file=/etc/hostname"], "", progress=unheard)


@pytest.mark.parametrize("name", preset_names())
def test_what_is_offered_can_be_swept(name: str) -> None:
    """Each parameter with the values that come with it gives scenarios, all but for some."""
    scenario = load_scenario(name)
    for parameter, values in usual_values(View(preset=name, scenario=scenario)).items():
        sweep = Sweep(scenario=scenario, over=(f"{parameter}={values}",))
        assert sweep.size >= 2, parameter
