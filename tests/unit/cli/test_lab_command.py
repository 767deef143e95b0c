"""``driftsched lab``: compensators on streams of lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftsched.core.errors import ScenarioError
from driftsched.experiments.lab import closed, compensators_named, draw_stream, scores
from tests.support.commands import SMALL, TRACE, called, data_of

FEW = ("--compensators", "ema,hierarchical", "--seeds", "2", "--kinds", "step,none")


def test_shares_are_those_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, "lab", *FEW, "--seed", "7", "--json")
    rows = {(row["kind"], row["compensator"]): row for row in data["closed"]}
    streams = [draw_stream("step", 0.6, seed) for seed in (7, 8)]
    table = closed(scores(streams, compensators_named(["ema", "hierarchical"])))
    for row in table.to_dict("records"):
        assert rows["step", row["compensator"]] == row | {"kind": "step"}
    assert rows["none", "ema"]["mae"] == 0


def test_a_table_for_people_has_a_row_a_kind_and_their_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = called(capsys, "lab", *FEW)
    starts = [line.split()[0] for line in out.splitlines()]
    assert starts == ["share", "drift", "step", "none", "mean"] * 2


def test_a_detector_adds_its_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("lab", "--compensators", "none,ema", "--seeds", "2", "--kinds", "step")
    data = data_of(capsys, *asked, "--detector", "cusum", "--json")
    counts = {row["compensator"]: row["alarms"] for row in data["closed"]}
    assert counts["none"] >= 4, "each of four categories has moved"
    _, out, _ = called(capsys, *asked, "--detector", "cusum")
    assert "alarms a stream" in out
    assert "alarms" not in called(capsys, *asked)[1]


def test_a_trace_has_no_floor_and_shows_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "traffic.csv"
    head, *rows = TRACE.splitlines()
    path.write_text("\n".join([head, *(rows * 200)]), encoding="utf-8")
    data = data_of(capsys, "lab", SMALL, "--trace", str(path), "--compensators", "ema", "--json")
    assert data["trace"]["rows_read"] == 600
    (row,) = data["errors"]
    assert row["mae"] > 0
    assert row["mae_floor"] is None


def test_a_kind_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "lab", "--kinds", "stairs", "--seeds", "1")
    assert (code, out) == (2, "")
    assert err.startswith("error: kind of drift must be one of none, step,")
    with pytest.raises(ScenarioError, match="got 'stairs'"):
        draw_stream("stairs", 0.5, 1)
