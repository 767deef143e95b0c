"""What a page may ask the server for: said before anything is computed, and counted in bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import Scenario, load_scenario, parse_scenario, preset_names
from driftsched.studio.traces import store_trace
from driftsched.studio.work import check_amount, expected_requests, seconds
from tests.support.patience import STEP_S

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.mark.parametrize("page", ["run", "explore"])
def test_millions_of_requests_are_refused_on_the_page_before_they_are_made(page: str) -> None:
    """A link of forty characters took ten gigabytes."""
    app = AppTest.from_file(PAGES / f"{page}.py", default_timeout=STEP_S)
    app.query_params["set"] = "phases.1.requests=15000000"
    app.run()
    assert not app.exception
    assert "at most 2,000,000 requests in all" in app.error[0].value
    assert not app.metric


def test_tokens_are_bounded_as_well() -> None:
    scenario = load_scenario(
        "paper",
        [
            "categories.0.max_output_tokens=1000000",
            "categories.0.output_tokens={kind: constant, tokens: 1000000}",
            "phases.0.requests=100000",
        ],
    )
    with pytest.raises(ScenarioError, match="at most 2,000,000,000 tokens of answers"):
        check_amount((scenario,))


def recorded(rows: int, **rules: float) -> Scenario:
    """A scenario of an uploaded file of so many rows."""
    file = store_trace(b"req_time,client,prompt_len,output_len\n" + b"1,a,2,3\n" * rows)
    data = load_scenario("paper").model_dump(by_alias=True)
    return parse_scenario(data | {"phases": (), "trace": {"file": file} | rules})


def test_rows_of_a_trace_count_as_requests() -> None:
    """Of a trace any number was taken on: each picture ran millions of them many times."""
    scenario = recorded(500_100)
    assert expected_requests(scenario) == pytest.approx(500_100, abs=1)
    with pytest.raises(ScenarioError, match="at most 500,000 requests in one run"):
        check_amount((scenario,))
    check_amount((recorded(500_100, limit=400_000),))
    check_amount((recorded(500_100, sample=0.5),))


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_may_be_explored_with_all_replications(name: str) -> None:
    scenario = load_scenario(name)
    check_amount((40, ("a",) * 10, *[scenario] * 10))
    assert seconds((scenario,)) < seconds((40, scenario))
