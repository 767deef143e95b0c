"""compare RUN RUN: saved runs, by id or folder; the same figures printed, as JSON and in files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from driftsched.experiments.run_figures import METRICS
from driftsched.results import RunLibrary, RunResult, summarise, write_parquet
from driftsched.scenario import changed, load_scenario
from driftsched.simulation import simulate
from tests.support.commands import SMALL, called, data_of


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, RunResult]:
    """One run in the library, one in a folder: by what the command line calls them."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    small = load_scenario(SMALL, ["metrics.percentiles=[90,95,99]"])
    first = simulate(small)
    other = simulate(changed(small, policy={"kind": "sjf"}, engine__batch_size=2))
    write_parquet(other, tmp_path / "sjf")
    return {RunLibrary().save(first): first, str(tmp_path / "sjf"): other}


def test_json_csv_and_reports_say_the_same_as_the_runs(
    capsys: pytest.CaptureFixture[str], runs: dict[str, RunResult], tmp_path: Path
) -> None:
    files = {name: tmp_path / f"out.{name}" for name in ("csv", "html", "markdown")}
    written = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    fifo, sjf = runs
    data = data_of(capsys, "compare", fifo, sjf, "--baseline", sjf, *written, "--json")
    assert data["baseline"] == "SJF"
    assert {one["run"] for one in data["runs"].values()} == set(runs)
    for (source, run), found in zip(runs.items(), data["runs"].values(), strict=True):
        assert found["run"] == source
        known = summarise(run.requests, run.scenario)
        for metric in set(METRICS) & set(known):
            value = known[metric]
            assert found[metric]["value"] == (None if value is None else pytest.approx(value))
        assert list(found["by_tenant"]) == ["gold", "bulk"]
    ratio = (
        data["runs"]["FIFO"]["p99_e2el_ms"]["value"] / data["runs"]["SJF"]["p99_e2el_ms"]["value"]
    )
    assert data["runs"]["FIFO"]["p99_e2el_ms"]["change"] == pytest.approx(ratio - 1)
    assert set(data["differing"]) == {"policy.kind", "engine.batch_size"}
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    for row in rows:
        group = data["runs"][row["run"]]
        if row["scope"] != "overall":
            group = group[f"by_{row['scope']}"][row["name"]]
        value = group[row["metric"]]["value"]
        assert row["value"] == "" if value is None else float(row["value"]) == pytest.approx(value)
    again = f"compare {fifo} {sjf} --baseline {sjf}"
    for name in ("html", "markdown"):
        text = files[name].read_text()
        assert again in text
        assert "engine.batch_size" in text.replace("\\", "")
    assert files["html"].stat().st_size < 8_000_000
    code, out, _ = called(capsys, "compare", fifo, sjf, "--baseline", sjf)
    assert code == 0
    assert "policy.kind" in out
    assert "FIFO against SJF" in out


def test_seeds_give_intervals(
    capsys: pytest.CaptureFixture[str], runs: dict[str, RunResult]
) -> None:
    data = data_of(capsys, "compare", *runs, "--seeds", "4", "--json")
    change = data["runs"]["SJF"]["mean_e2el_ms"]
    assert change["change_low"] < change["change"] < change["change_high"]
    assert change["paired"]
    assert data["seeds"] == 4


def test_what_cannot_be_compared_is_one_line(
    capsys: pytest.CaptureFixture[str], runs: dict[str, RunResult]
) -> None:
    fifo, sjf = runs
    for argv, said in (
        ([fifo], "at least two, got 1"),
        ([fifo, sjf, "--seed", "2"], "--seed must not be given for saved runs"),
        ([fifo, sjf, "--policies", "sjf"], "--policies must not be given for saved runs"),
        ([fifo, fifo], "named once each"),
        ([fifo, sjf, "--baseline", "x"], "baseline must be one of"),
        ([fifo, "nobody"], "run must be the id of a saved run"),
    ):
        code, _, err = called(capsys, "compare", *argv)
        assert code == 2
        assert said in err
        assert err.count("\n") == 1


def test_policies_of_a_scenario_have_a_report_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    argv = ("compare", SMALL, "--policies", "fifo,sjf", "--seeds", "2", "--html", str(page))
    code, out, _ = called(capsys, *argv)
    assert code == 0
    assert "Against fifo" in out
    assert "--policies fifo,sjf --seeds 2" in page.read_text()
