"""ServeGen's clients: as many requests, as bursty and as long as they were measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import TraceError
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.workload import generate, import_trace
from driftsched.workload.traces.servegen import read_servegen

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
RATES = TRACES / "servegen_m-large_client_rates.csv"
real = pytest.mark.skipif(not RATES.exists(), reason="shared/traces is not there")


def made_up(folder: Path, rates: str = "", quantiles: str = "50,100,200,400") -> Path:
    """Two clients over half an hour, one of them bursty; the second has no lengths of its own."""
    rows = "".join(
        f"0,{t},20,1.0,Gamma,1.0,0.05\n1,{t},10,3.0,Gamma,0.111,0.9\n" for t in (0, 600, 1200)
    )
    path = folder / "x_client_rates.csv"
    head = "client,t_s,rate_rps,iat_cv,iat_dist,param_shape,param_scale\n"
    path.write_text(head + (rates or rows), encoding="utf-8")
    kinds = ("in", "out")
    names = ",".join(f"{k}_{n}" for k in kinds for n in ("mean", "p10", "p50", "p90", "p99"))
    (folder / "x_client_windows.csv").write_text(
        f"client,window_start_s,rate_rps,{names}\n0,0,20,120,{quantiles},90,30,60,150,500\n",
        encoding="utf-8",
    )
    for kind in ("input", "output"):
        text = json.dumps({"10": 0.5, "1000": 0.5})
        (folder / f"x_{kind}_pmf.json").write_text(text, encoding="utf-8")
    return path


def test_counts_variation_and_lengths_are_those_measured(tmp_path: Path) -> None:
    """Bursty clients started afresh in each window would send too many requests."""
    path = made_up(tmp_path)
    counts = []
    for seed in range(30):
        rows = read_servegen(path, 0, 1800, seed)
        assert rows.client is not None
        counts.append(np.bincount(rows.client, minlength=2))
    mean, error = np.mean(counts, axis=0), np.std(counts, axis=0, ddof=1) / np.sqrt(30)
    assert (np.abs(mean - [36_000, 18_000]) < 4 * error).all()
    rows = read_servegen(path, 0, 1800, 1)
    for client, cv in ((0, 1.0), (1, 3.0)):
        mine = rows.client == client
        gaps = np.diff(rows.time_ns[mine]) / 1e9
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.1)
    own, pooled = (rows.prompt_tokens[rows.client == client] for client in (0, 1))
    assert own.mean() == pytest.approx(120, rel=0.03)
    assert np.quantile(own, [0.1, 0.5, 0.9]) == pytest.approx([50, 100, 200], rel=0.06)
    assert set(pooled) == {10, 1000}


def test_window_of_time_and_seed(tmp_path: Path) -> None:
    """The same seed repeats the requests; a later window begins where it says."""
    path = made_up(tmp_path)
    one, two = (read_servegen(path, 700, 900, 5) for _ in range(2))
    assert np.array_equal(one.time_ns, two.time_ns)
    assert one.time_ns.min() >= 700e9
    assert one.time_ns.max() < 900e9
    assert len(one.time_ns) == pytest.approx(200 * 30, rel=0.15)


def test_broken_data_are_one_line(tmp_path: Path) -> None:
    """Four files have to fit each other; the message says which one does not."""
    path = made_up(tmp_path, rates="0,0,-3,1,Gamma,1,1\n")
    with pytest.raises(TraceError, match=r"line 2, column rate_rps of x_client_rates\.csv"):
        read_servegen(path, 0, None, 1)
    path = made_up(tmp_path)
    (tmp_path / "x_input_pmf.json").unlink()
    with pytest.raises(TraceError, match=r"x_input_pmf\.json cannot be read"):
        read_servegen(path, 0, None, 1)
    (tmp_path / "x_input_pmf.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(TraceError, match="must map tokens to probabilities"):
        read_servegen(path, 0, None, 1)


def servegen(**rules: object) -> Scenario:
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    data["cluster"]["context_tokens"] = 40_000
    trace = {"file": str(RATES), "tenant_rule": "client"} | rules
    return parse_scenario(data | {"phases": [], "trace": trace})


@real
def test_an_hour_of_all_clients_is_generated_with_progress() -> None:
    """About 700,000 requests; rates and mean lengths are those of the clients active then."""
    told: list[float] = []
    workload = generate(servegen(), progress=told.append)
    rates = pd.read_csv(RATES).query("t_s < 3600")
    expected = (rates["rate_rps"] * 600).sum()
    assert len(workload) == pytest.approx(expected, rel=0.02)
    assert len(workload) > 700_000
    assert told == sorted(told)
    assert told[-1] == 1
    windows = pd.read_csv(TRACES / "servegen_m-large_client_windows.csv")
    windows = windows[windows["window_start_s"] == 0].set_index("client")
    weight = rates.groupby("client")["rate_rps"].sum()
    for name, kind, tokens in (
        ("in", "input", workload.prompt_tokens),
        ("out", "output", workload.output_tokens),
    ):
        pmf = json.loads((TRACES / f"servegen_m-large_{kind}_pmf.json").read_text())
        pooled = np.average([float(n) for n in pmf], weights=list(pmf.values()))
        means = windows[f"{name}_mean"].reindex(weight.index).fillna(pooled)
        assert tokens.mean() == pytest.approx(np.average(means, weights=weight), rel=0.03)
    shares = np.bincount(workload.tenant) / len(workload)
    assert shares.max() < 0.6


@real
def test_part_of_the_clients_and_a_later_window() -> None:
    """What a trace's rules take works as for recorded requests."""
    report = import_trace(servegen(from_s=86_400, until_s=86_700, sample_clients=0.5), RATES)
    assert report.format == "servegen"
    assert report.span_s <= 300
    whole = import_trace(servegen(from_s=86_400, until_s=86_700), RATES)
    assert 0 < report.rows_taken < whole.rows_taken
    assert any("drawn from the rates" in rule for rule in report.rules)
