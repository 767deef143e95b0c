"""What a page may ask the server for: said before anything is computed, and counted in bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import load_scenario, preset_names
from driftsched.studio.work import check_amount, seconds
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


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_may_be_explored_with_all_replications(name: str) -> None:
    scenario = load_scenario(name)
    check_amount((40, ("a",) * 10, *[scenario] * 10))
    assert seconds((scenario,)) < seconds((40, scenario))
