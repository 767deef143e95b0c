"""What the drift lab says of streams: where they jump, who is back, how near, how sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from driftsched.charts import lab_course
from driftsched.estimation.compensators import CompensatorSpec
from driftsched.estimation.detectors.page_hinkley import PageHinkleyConfig
from driftsched.experiments.lab import KINDS, closed, compensators_named, draw_stream, scores
from driftsched.experiments.lab_report import (
    LabReport,
    _median_interval,
    lab_report,
    lab_says,
)
from driftsched.scenario.estimator import SizeClasses

SIZES = SizeClasses()
JUMPS = {"step", "one_category", "one_tenant", "all_anew"}


def named(*kinds: str) -> dict[str, CompensatorSpec]:
    return {name: spec for name, spec in compensators_named(kinds).items() if name in kinds}


def row(report: LabReport, compensator: str) -> dict[Any, Any]:
    return report.figures.set_index("compensator").loc[compensator].to_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_a_jump_is_where_lengths_jump(kind: str) -> None:
    stream = draw_stream(kind, 0.6, 1)
    report = lab_report([stream], named("ema"), SIZES)
    if kind not in JUMPS:
        assert report.jump is None
        assert np.isnan(row(report, "ema")["back"])
        return
    assert report.jump is not None
    assert 3000 <= report.jump < 3020
    touched = report.course["request"].to_numpy()
    assert stream.shift is not None
    assert (stream.shift[touched[touched >= report.jump]] != 0).all()


def test_an_ema_is_back_when_its_formula_says() -> None:
    """Gap .5 · .9^n of the new length is a tenth after 17 answers of a category, 68 of the four."""
    streams = [
        draw_stream("step", 0.02, seed, tenant_effect=0, prompt_effect=0) for seed in range(8)
    ]
    figures = {
        name: row(lab_report(streams, named("none", "ema"), SIZES), name)
        for name in ("none", "ema")
    }
    assert 50 < figures["ema"]["back_low"] <= figures["ema"]["back"] < 80
    assert figures["none"]["back"] == np.inf


def test_figures_are_those_of_the_lab_and_of_the_estimates() -> None:
    streams = [draw_stream("daily", 0.6, seed) for seed in range(4)]
    found = named("none", "ema", "hierarchical")
    report, table = lab_report(streams, found, SIZES), scores(streams, found)
    shares = closed(table).set_index("compensator")
    for name in found:
        mine, of = row(report, name), table[table["compensator"] == name]
        assert mine["closed"] == shares.loc[name, "mae"]
        assert mine["bias"] == pytest.approx(of["bias"].mean() - 1)
        assert 0 < mine["wrong"] < 0.5
    none = [
        np.mean(
            np.searchsorted([128, 512], stream.prompt_length + stream.base_tokens)[300:]
            != np.searchsorted([128, 512], stream.prompt_length + stream.length)[300:]
        )
        for stream in streams
    ]
    assert row(report, "none")["wrong"] == pytest.approx(np.mean(none))
    assert report.covered[0] == pytest.approx(0.9, abs=0.02)
    assert report.worst < report.covered[0]


def test_alarms_stand_on_the_lines_of_who_is_watched() -> None:
    """The alarm of a category that lengths jump in, where its line is by then."""
    stream = draw_stream("one_category", 0.3, 1)
    report = lab_report([stream], named("none", "ema"), SIZES, PageHinkleyConfig())
    mine = report.alarms[report.alarms["name"] == "none"]
    assert report.jump is not None
    assert len(mine) == 1
    assert report.jump < mine["request"].iloc[0] < report.jump + 800
    assert row(report, "none")["alarms"] >= 1
    assert (mine["value"] == 1).all(), "without compensation an estimate is its base"
    drawn = lab_course(report.course, report.alarms).data
    assert sum(trace.mode == "markers" for trace in drawn) == report.alarms["name"].nunique()
    quiet = lab_report([stream], named("none", "ema"), SIZES)
    assert quiet.alarms.empty
    assert np.isnan(row(quiet, "none")["alarms"])


def test_the_course_shows_answers_and_estimates_over_bases() -> None:
    report = lab_report([draw_stream("step", 0.3, 1)], named("ema"), SIZES)
    course = report.course.pivot(index="request", columns="name", values="value")
    assert set(course) == {"actual", "known", "ema"}
    late = course.loc[4000:].mean() / course.loc[:2500].mean()
    assert (late > 1.7).all()
    assert (late < 2.3).all()


def test_lengths_whose_distribution_nobody_knows_have_no_floor() -> None:
    stream = replace(draw_stream("step", 0.6, 1), median=None, mean=None, shift=None)
    report = lab_report([stream, stream], named("ema", "hierarchical"), SIZES)
    assert report.jump is None
    assert np.isnan(row(report, "hierarchical")["closed"])
    assert row(report, "hierarchical")["change"] < 0
    said = lab_says(report)
    assert said.startswith("**Hierarchical** errs ")
    assert said.endswith(" % less than the EMA on these lengths.")


def test_the_sentence_names_who_is_nearest_and_how_soon() -> None:
    streams = [draw_stream("one_tenant", 0.6, seed) for seed in range(6)]
    said = lab_says(lab_report(streams, named("none", "ema", "hierarchical"), SIZES))
    assert said.startswith("Back within 10 % of before the jump: **Hierarchical** after ")
    assert "**EMA** never. **Hierarchical** closes " in said
    assert lab_says(lab_report(streams, named("ema"), SIZES)).startswith("Choose another")


def test_a_median_has_the_interval_of_order_statistics() -> None:
    """Of ten, the second and the ninth: 2 · P(B(10, ½) <= 1) = 2.1 %, and with one more 10.9 %."""
    assert _median_interval([float(x) for x in range(10, 0, -1)]) == (5.5, 2, 9)
    middle, low, high = _median_interval([1.0, 2.0, np.inf, np.inf, np.inf])
    assert middle == np.inf
    assert np.isnan([low, high]).all()
