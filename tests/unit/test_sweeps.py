"""Sweeps: which points they have, what is kept of them, what their tables say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError, RunError
from driftsched.experiments.compare import compare
from driftsched.experiments.sweeps import (
    Parameter,
    SweepFolder,
    cells,
    importance,
    kept_sweeps,
    measure,
    pareto,
    plan,
    read_plan,
    run_sweep,
    scenario_at,
)
from driftsched.scenario import Scenario, load_scenario, with_load, with_policy
from driftsched.scenario.differences import plain_data
from tests.support.commands import SMALL

OVER = ["policy=fifo,sjf", "load=0.5,1", "tenants.0.weight=1,3"]


@pytest.fixture(scope="module")
def small() -> Scenario:
    return load_scenario(SMALL)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("policy=fifo,sjf", ("fifo", "sjf")),
        ("load=1:2:3", (1.0, 1.5, 2.0)),
        ("engine.batch_size=1:64:3:log", (1, 8, 64)),
        ("cluster.replicas=1:3:3", (1, 2, 3)),
        ("cluster.replicas=1:2:9", (1, 2)),
        ("tenants.0.weight=1:2:3", (1.0, 1.5, 2.0)),
        (
            "estimator.predictor={kind: budget},{kind: prompt}",
            ({"kind": "budget"}, {"kind": "prompt"}),
        ),
    ],
)
def test_values_are_lists_or_even_steps(
    small: Scenario, text: str, values: tuple[object, ...]
) -> None:
    assert Parameter.parse(text, plain_data(small)).values == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("load", "name=values"),
        ("load=", "must have values"),
        ("a..b=1", "name=values"),
        ("load=2:1:3", "lower end first"),
        ("load=0:1:3:log", "above 0"),
        ("load=1:2:1", "at least 2 steps"),
        ("load=1.2.3:2", "must be a range"),
        ("load=[1,2", "not YAML"),
    ],
)
def test_what_is_no_parameter_is_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Parameter.parse(text)


@pytest.mark.parametrize(
    ("over", "more", "said"),
    [
        (["load_=1,2"], {}, "load_"),
        (["load=0.5:1.2"], {}, "must have steps"),
        (["load=0.5:1.2"], {"sample": "sobol:8"}, "lhs:200"),
        (["policy=fifo"], {"sample": "lhs:8"}, "a parameter to draw"),
        (["load=1,2", "load=3"], {}, "once"),
        (["load=-1,0,yes"], {}, "load must be a number > 0"),
        (["load=1:2:1000", "seed=1:1000:1000"], {}, "at most 100000 points"),
        (["load=1"], {"seeds": 0}, "seeds must be >= 1"),
        (["policy=none_such"], {}, "policy"),
    ],
)
def test_a_sweep_that_cannot_be_is_one_line(
    small: Scenario, over: list[str], more: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        plan(small, over, **more)  # type: ignore[arg-type]


def test_every_combination_is_a_point_once_and_has_its_own_name(small: Scenario) -> None:
    sweep = plan(small, [*OVER, "seed=1,1"])
    assert len(sweep.points) == len({point.key for point in sweep.points}) == 8
    other = plan(with_load(small, 2), OVER)
    more = plan(small, [*OVER[:2], "tenants.0.weight=1,2,3"])
    twice = plan(small, OVER, seeds=2)
    keys = {point.key for point in plan(small, OVER).points}
    assert keys < {point.key for point in more.points}, "the same point has the same name"
    for changed in (other, twice):
        assert keys.isdisjoint(point.key for point in changed.points)


def test_a_latin_hypercube_has_one_draw_in_each_layer(small: Scenario) -> None:
    over = ["policy=fifo,sjf", "load=0.5:1.5", "engine.batch_size=1:10", "lengths=natural,capped"]
    points = plan(small, over, sample="lhs:20").points
    assert len(points) == 40
    table = pd.DataFrame([point.settings for point in points])
    for _, mine in table.groupby("policy"):
        layers = np.floor((mine["load"] - 0.5) * 20).clip(0, 19)
        assert sorted(layers) == list(range(20))
        assert mine["engine.batch_size"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 2)
        assert mine["lengths"].value_counts().to_dict() == {"natural": 10, "capped": 10}
    assert plan(small, over, sample="lhs:20").points == points, "drawn by the scenario's seed"


def test_a_point_is_the_scenario_with_its_settings(small: Scenario) -> None:
    found = scenario_at(small, {"policy.rate": 0.5, "load": 2, "policy": "aging"})
    assert found == with_load(
        with_policy(small, "aging").model_copy(update={"policy": found.policy}), 2
    )
    assert (found.policy.kind, getattr(found.policy, "rate", None)) == ("aging", 0.5)


def test_figures_are_those_of_a_comparison(small: Scenario) -> None:
    """Else a sweep and the rest of the studio would say different things of one scenario."""
    found, comparison = measure(small, 3), compare(small, [small.policy.kind], 3)
    for metric in ("p99_e2el_ms", "mean_ttft_ms", "slo_attainment", "total_energy_j"):
        ends = [found[metric + end] for end in ("", "_low", "_high")]
        assert ends == pytest.approx(comparison.interval(small.policy.kind, metric), nan_ok=True)
    tenant = small.tenant_names[0]
    own = comparison.interval(small.policy.kind, "p99_e2el_ms", scope="tenant", name=tenant)
    assert found[f"p99_e2el_ms.{tenant}"] == pytest.approx(own[0])


def test_a_point_that_fails_says_why_and_the_others_go_on(small: Scenario) -> None:
    table = run_sweep(plan(small, ["engine.batch_size=0,8", "policy=fifo,sjf"]))
    assert table["status"].tolist() == ["failed", "failed", "done", "done"]
    assert (
        table["reason"].str.contains("batch_size must be >= 1").tolist() == [True] * 2 + [False] * 2
    )
    assert table["p50_e2el_ms"].notna().tolist() == [False, False, True, True]


def test_results_are_kept_and_none_is_run_again(small: Scenario, home: Path) -> None:
    sweep = plan(small, [*OVER, "engine.batch_size=0,8"], seeds=2)
    folder = SweepFolder.of(sweep)
    first = run_sweep(sweep, keep=folder)
    file = folder.path / "results.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(sweep.points) == 16
    for line in lines:
        json.loads(line, parse_constant=pytest.fail)
    # killed while it wrote: one line is torn, one was never written, one is garbage
    file.write_bytes(b"".join([*lines[:5], b"{}\n", *lines[5:-2], lines[-2][:40]]))
    again = SweepFolder(sweep.sweep_id)
    assert again.sweep() == sweep
    assert len(again.rows()) == 14
    pd.testing.assert_frame_equal(run_sweep(again.sweep(), keep=again), first, check_exact=True)
    keys = [row["key"] for row in again.rows()]
    assert sorted(keys) == sorted(point.key for point in sweep.points)
    listed = kept_sweeps().iloc[0]
    assert (listed["points"], listed["done"], listed["failed"]) == (16, 8, 8)


def test_one_process_at_a_time_runs_a_sweep(small: Scenario, home: Path) -> None:
    folder = SweepFolder.of(plan(small, OVER))
    with folder.writing(), pytest.raises(RunError, match="by another process"):
        run_sweep(folder.sweep(), keep=folder)


def test_what_another_version_began_is_not_mixed_with_this_one(small: Scenario) -> None:
    former = plan(small, OVER).model_dump() | {"version": "0.0.1"}
    with pytest.raises(InputError, match=r"version must be .*, got '0\.0\.1'"):
        read_plan(former)


def test_the_front_is_what_nobody_beats() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 20, (2, 200)).astype(float)
    a[:3], b[3:6] = np.nan, np.nan
    beaten = [
        any((a <= x) & (b <= y) & ((a < x) | (b < y))) or np.isnan(x + y)
        for x, y in zip(a, b, strict=True)
    ]
    assert (pareto(a, b) == ~np.array(beaten)).all()


DRAWN = [Parameter(name, (), 0, 1) for name in "xyz"]


def test_importance_is_the_share_of_variance_that_a_parameter_explains() -> None:
    """Additive in two of three parameters: 4 to 1 by variance, and nothing by the others."""
    rng = np.random.default_rng(2)
    x, y, z = rng.random((3, 4000))
    word = np.where(rng.random(4000) < 0.5, "a", "b")
    table = pd.DataFrame({"x": x, "y": y, "z": z, "word": word, "status": "done"})
    parameters = [*DRAWN, Parameter("word", ("a", "b"))]
    found = importance(table.assign(figure=2 * x + y), parameters, "figure")
    shares = found.set_index("parameter")["share"]
    assert shares["x"] == pytest.approx(0.8, abs=0.03)
    assert shares["y"] == pytest.approx(0.2, abs=0.03)
    assert shares[["z", "word"]].max() < 0.005
    for nothing in (table.assign(figure=1.0), table.iloc[:0].assign(figure=1.0), table.iloc[:0]):
        assert importance(nothing, DRAWN, "figure")["share"].isna().all()


def test_cells_are_points_or_what_is_between_the_least_and_the_greatest() -> None:
    rows = [("a", 1, 2.0), ("a", 2, 4.0), ("b", 1, 3.0)]
    table = pd.DataFrame(rows, columns=["p", "q", "f"]).assign(status="done")
    table = table.assign(f_low=table["f"] - 1, f_high=table["f"] + 1)
    p, q = Parameter("p", ("a", "b")), Parameter("q", (1, 2))
    one = cells(table, [p], "f").to_numpy().tolist()
    assert one == [["a", 3.0, 2.0, 4.0, 2], ["b", 3.0, 2.0, 4.0, 1]]
    two = cells(table, [q, p], "f")
    assert two.iloc[1].tolist() == [2, "a", 4.0, 3.0, 5.0, 1]
    assert cells(table.iloc[:0], [p], "f").empty


def test_a_drawn_parameter_is_seen_in_groups() -> None:
    x = np.random.default_rng(3).random(400)
    table = pd.DataFrame({"x": x, "f": x, "f_low": x, "f_high": x, "status": "done"})
    found = cells(table, DRAWN[:1], "f")
    assert len(found) == 10
    assert found["points"].tolist() == [40] * 10
    assert found["x"].to_numpy() == pytest.approx(found["value"].to_numpy(), abs=0.01)
