"""Runs side by side: their own figures, differences paired where requests are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from driftsched.core.errors import InputError
from driftsched.experiments.beside_words import how_sure, run_names, sentence
from driftsched.experiments.side_by_side import SideBySide, replications, same_requests
from driftsched.results import RunResult, jain_index, summarise, weighted_service
from driftsched.scenario import changed, load_scenario
from driftsched.simulation import simulate

SMALL = load_scenario(
    "busy-gpu",
    ["phases.0.duration_s=null", "phases.0.requests=150", "metrics.percentiles=[90,95,99]"],
)
KINDS = ("fifo", "sjf", "weighted")


@pytest.fixture(scope="module")
def runs() -> dict[str, RunResult]:
    return {kind: simulate(changed(SMALL, policy={"kind": kind})) for kind in KINDS}


@pytest.fixture(scope="module")
def beside(runs: dict[str, RunResult]) -> SideBySide:
    return SideBySide({kind: replications(run, 6) for kind, run in runs.items()}, "sjf")


def test_figures_of_one_run_each_are_those_of_the_run(runs: dict[str, RunResult]) -> None:
    """Two numbers for one thing would make every other number doubtful."""
    table = SideBySide({kind: [run] for kind, run in runs.items()}).table()
    assert not table.duplicated(["run", "scope", "name", "metric"]).any()
    for kind, run in runs.items():
        mine = table[(table["run"] == kind) & (table["scope"] == "overall")].set_index("metric")
        known = summarise(run.requests, run.scenario)
        known["jain_index"] = jain_index(weighted_service(run)["normalised_service"])
        for metric, row in mine.iterrows():
            assert row["value"] == pytest.approx(known[str(metric)]), metric
        one = run.scenario.tenant_names[0]
        requests = run.requests[run.requests["tenant"] == one]
        p99 = table[(table["run"] == kind) & (table["name"] == one)].set_index("metric")
        assert p99.loc["p99_ttft_ms", "value"] == pytest.approx(
            1e3 * np.percentile(requests["ttft_s"].dropna(), 99)
        )
    changes = table[(table["run"] == "sjf") & (table["metric"] == "p50_e2el_ms")]
    before = table[(table["run"] == "fifo") & (table["metric"] == "p50_e2el_ms")]
    ratio = changes["value"].to_numpy() / before["value"].to_numpy() - 1
    assert changes["change"].to_numpy() == pytest.approx(ratio)
    assert changes["change_low"].isna().all(), "150 requests cannot tell"


def test_replications_give_intervals_and_pairing_makes_them_narrow(beside: SideBySide) -> None:
    assert beside.others == ["fifo", "weighted"]
    assert all(beside.paired(kind) for kind in KINDS)
    paired = beside.change("fifo", "mean_e2el_ms")
    assert paired.low < paired.mean < paired.high
    apart = SideBySide(
        {"sjf": beside.runs["sjf"], "fifo": replications(_later(beside.runs["fifo"][0]), 6)}
    )
    assert not apart.paired("fifo")
    loose = apart.change("fifo", "mean_e2el_ms")
    assert paired.high - paired.low < (loose.high - loose.low) / 2
    assert "had the seeds of sjf: differences are paired" in how_sure(beside)
    assert "fifo had others than sjf" in how_sure(apart)


def _later(run: RunResult) -> RunResult:
    return simulate(changed(run.scenario, seed=run.scenario.seed + 100))


def test_long_steady_runs_tell_by_themselves() -> None:
    """A live run has no other seeds; what is 10 % longer must still be told, and how sure."""
    calm = changed(SMALL, phases=[SMALL.phases[0].model_dump() | {"requests": 30_000}])
    calm = changed(
        calm,
        phases=[calm.phases[0].model_dump() | {"arrivals": {"kind": "poisson", "rate_rps": 2.0}}],
    )
    slow = changed(calm, engine__batch_size=max(2, calm.engine.batch_size // 2))
    runs = {"whole": [simulate(calm)], "half": [simulate(slow)]}
    beside = SideBySide(runs)
    assert beside.paired("half")
    estimate, change = (
        beside.estimate("whole", "mean_e2el_ms"),
        beside.change("half", "mean_e2el_ms"),
    )
    assert estimate.low < estimate.value < estimate.high
    assert change.low < change.mean < change.high
    assert list(beside.differing().index) == ["engine.batch_size"]


def test_a_request_from_another_tenant_is_another_request(runs: dict[str, RunResult]) -> None:
    run = runs["fifo"]
    assert same_requests(run, runs["sjf"])
    for column, turned in (("tenant", run.requests["tenant"].to_numpy()[::-1]), ("arrival_s", 0.0)):
        other = run.requests.copy()
        other[column] = turned
        assert not same_requests(run, replace(run, requests=other)), column


def test_only_what_differs_is_said() -> None:
    base = simulate(SMALL)
    other = simulate(changed(SMALL, seed=5, title="Another", policy={"kind": "sjf"}))
    table = SideBySide({"a": [base], "b": [other]}).differing()
    assert {*table.index} == {"seed", "policy.kind"}
    assert [*table.loc["seed"]] == [str(SMALL.seed), "5"]


def test_names_are_as_long_as_they_must_be(runs: dict[str, RunResult]) -> None:
    fifo, sjf = runs["fifo"], runs["sjf"]
    titled = replace(sjf, scenario=changed(sjf.scenario, title="By night"))
    assert run_names([fifo, sjf]) == ["FIFO", "SJF"]
    assert run_names([fifo, sjf, titled]) == [
        f"FIFO, {SMALL.title}",
        f"SJF, {SMALL.title}",
        "SJF, By night",
    ]
    live = replace(sjf, provenance=sjf.provenance | {"live": {}})
    assert run_names([sjf, live]) == ["SJF", "SJF, live"]


def test_the_sentence_names_who_gains_and_who_pays(beside: SideBySide) -> None:
    said = sentence(beside.table(), "sjf", "p50_e2el_ms")
    change = {run: beside.change(run, "p50_e2el_ms") for run in beside.others}
    told = {run: one for run, one in change.items() if one.significant} or change
    best = min(told, key=lambda run: change[run].mean)
    for name in SMALL.tenant_names:
        whose = beside.change(best, "p50_e2el_ms", scope="tenant", name=name)
        assert (name in said) == whose.significant
    assert said.startswith(f"**{best} against sjf: median latency ")


def test_what_cannot_be_compared_is_one_error(runs: dict[str, RunResult]) -> None:
    one = {"fifo": [runs["fifo"]]}
    with pytest.raises(InputError, match="at least two, got 1"):
        SideBySide(one)
    with pytest.raises(InputError, match="baseline must be one of fifo, sjf, got 'edf'"):
        SideBySide(one | {"sjf": [runs["sjf"]]}, "edf")
    live = replace(runs["fifo"], provenance={"live": {}})
    with pytest.raises(InputError, match="must be 1 beside a live run"):
        replications(live, 2)
