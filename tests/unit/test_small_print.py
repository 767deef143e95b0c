"""Small print where there is little to go by: two replications, one of a thing, all of them."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from driftsched.charts import fairness
from driftsched.experiments import Ensemble, Figures, run_ensemble
from driftsched.experiments.answer import largest_gaps
from driftsched.experiments.time_series import (
    bias_series,
    drift_series,
    queue_series,
    tenant_queue_series,
)
from driftsched.results.wording import counted, with_interval
from driftsched.scenario import load_scenario, with_policy
from driftsched.studio.explore.service import service_table


@pytest.fixture(scope="module")
def two() -> Ensemble:
    """What a first visitor sees while the fast engine is prepared."""
    scenario = load_scenario("busy-gpu", ["phases.0.duration_s=60"])
    return run_ensemble({kind: with_policy(scenario, kind) for kind in ("fifo", "sjf")}, 2)


def test_bands_of_two_replications_end_where_the_figure_does(two: Ensemble) -> None:
    """Student's t of two is 12.7: bands went down to -1 for a ratio, or a number in a queue."""
    for series in (
        queue_series(two),
        tenant_queue_series(two, "fifo"),
        drift_series(two, "fifo"),
        bias_series(two, "fifo"),
    ):
        assert (series["high"] > series["mean"]).any()
        assert (series["low"] == 0).any() or (series["low"] > 0).all()
        assert series["low"].min() >= 0
    shares = Figures(two).competition()
    assert (shares["high"] > shares["normalised_share"]).any()
    assert shares[["low", "gap_low"]].min().min() >= 0
    for bar in fairness(shares, largest_gaps(shares, None)).data:
        assert (bar.y - bar.error_y.arrayminus >= -1e-9).all()


def test_a_share_is_no_more_than_all_and_a_number_no_less_than_none(two: Ensemble) -> None:
    """There was 99.957 (99.859–100.055) %, and less than nobody who was rejected."""
    table = service_table(Figures(two).goals("tenant"), "tenant")
    for column in table.columns.drop(["policy", "tenant"]):
        for text in table[column]:
            assert "−" not in text, (column, text)
            if text.endswith(" %"):
                numbers = [float(part) for part in re.findall(r"[\d.]+", text)]
                assert max(numbers) <= 100, text
    goals = pd.DataFrame({"policy": ["fifo"], "group": ["a"]})
    for name in (
        "completed",
        "rejected",
        "lost",
        "starved",
        "slo_attainment",
        "weighted_slo_attainment",
        "request_goodput",
    ):
        goals[[name, f"{name}_low", f"{name}_high"]] = (0.99957, -0.2, 1.00055)
    row = service_table(goals, "tenant").iloc[0]
    assert row["slo_attainment"] == "100 (0–100) %"
    assert row["rejected"] == "1.00 (0–1.00)"


def test_an_open_end_is_said_in_words() -> None:
    """430.1 (424.4–…) does not say what the dots are."""
    assert with_interval(430.1, 424.4, float("inf")) == "430.1 (over 424.4)"


def test_one_of_a_thing_is_one() -> None:
    assert [counted(n, "request") for n in (0, 1, 2, 3000)] == [
        "0 requests",
        "1 request",
        "2 requests",
        "3,000 requests",
    ]
