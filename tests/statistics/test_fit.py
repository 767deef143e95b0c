"""What is fitted must come back: draws of a known scenario, and real traces."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import stats

from driftsched.charts import fit as fit_chart
from driftsched.cli.main import main
from driftsched.core.errors import TraceError
from driftsched.scenario import TraceSource, from_yaml, load_scenario, to_yaml
from driftsched.traffic import ArrivalProcess, LengthDistribution
from driftsched.traffic.lengths import to_tokens
from driftsched.workload import generate
from driftsched.workload.fit import fit_arrivals, fit_lengths, fit_steps, fit_trace

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
ANY = TraceSource(file="-")


def drawn_lengths(config: dict[str, Any], n: int = 20_000) -> NDArray[np.int64]:
    distribution = TypeAdapter(LengthDistribution).validate_python(config)
    lengths: NDArray[np.int64] = to_tokens(distribution.sample(np.random.default_rng(41), n))
    return lengths


def drawn_times(config: dict[str, Any], duration_s: float) -> NDArray[np.float64]:
    process = TypeAdapter(ArrivalProcess).validate_python(config)
    times: NDArray[np.float64] = process.within(np.random.default_rng(42), duration_s, 10**7)
    since: NDArray[np.float64] = times - times[0]
    return since


@pytest.mark.parametrize(
    "config",
    [
        {"kind": "lognormal", "mu": 5.02, "sigma": 0.86},
        {"kind": "gamma", "shape": 1.34, "scale": 863},
        {"kind": "weibull", "shape": 1.4, "scale": 259},
    ],
    ids=lambda config: str(config["kind"]),
)
def test_lengths_of_a_kind_are_fitted_by_it_with_its_parameters(config: dict[str, Any]) -> None:
    """A wrong likelihood equation would give another shape or another kind."""
    fit = fit_lengths(drawn_lengths(config))
    found = fit.distribution.model_dump()
    assert found["kind"] == config["kind"]
    for name in set(config) - {"kind"}:
        assert found[name] == pytest.approx(config[name], rel=0.03)
    assert fit.ks < 0.012
    assert fit.ks == min(value for kind, value in fit.candidates.items() if kind != "empirical")


def test_lengths_of_no_kind_are_kept_as_quantiles() -> None:
    """Two humps fit none of the three; a bad fit must not be passed off as one."""
    humps = np.append(drawn_lengths({"kind": "uniform", "low": 10, "high": 40}, 5000), 900)
    humps = np.append(humps, drawn_lengths({"kind": "uniform", "low": 700, "high": 800}, 5000))
    fit = fit_lengths(humps)
    assert fit.distribution.kind == "empirical"
    assert fit.ks < 0.02
    assert fit.candidates["lognormal"] > 0.1
    assert fit_lengths(np.full(9, 64)).distribution.model_dump() == {
        "kind": "constant",
        "tokens": 64,
    }
    with pytest.raises(TraceError, match="at least 1, got none"):
        fit_lengths(np.empty(0, np.int64))


@pytest.mark.parametrize(
    ("config", "kind", "expected"),
    [
        ({"kind": "poisson", "rate_rps": 7}, "poisson", {"rate_rps": 7}),
        ({"kind": "gamma", "rate_rps": 7, "cv": 3}, "gamma", {"rate_rps": 7, "cv": 3}),
        ({"kind": "gamma", "rate_rps": 7, "cv": 0.3}, "gamma", {"rate_rps": 7, "cv": 0.3}),
        ({"kind": "weibull", "rate_rps": 7, "shape": 0.5}, "weibull", {"shape": 0.5}),
    ],
    ids=["poisson", "bursty", "even", "weibull"],
)
def test_arrivals_of_a_kind_are_fitted_by_it(
    config: dict[str, Any], kind: str, expected: dict[str, float]
) -> None:
    """The steady process must not be taken for one whose rate changes."""
    fit = fit_arrivals(drawn_times(config, 2000))
    assert fit.process.kind == kind
    for name, value in expected.items():
        assert getattr(fit.process, name) == pytest.approx(value, rel=0.08)
    assert fit.ks < 0.03  # very bursty gaps are shorter than a double resolves
    assert next(iter(fit.bic.values())) == 0


@pytest.mark.parametrize("cv", [1.0, 2.0])
def test_changing_rate_is_fitted_in_pieces(cv: float) -> None:
    """A day's curve read as burstiness would send bursts at night."""
    times = drawn_times(
        {"kind": "diurnal", "base_rps": 8, "amplitude": 0.8, "period_s": 2000, "cv": cv}, 4000
    )
    fit = fit_arrivals(times, 4000)
    assert fit.process.kind == "piecewise"
    middle = np.linspace(100, 3900, 39)
    true = 8 * (1 + 0.8 * np.cos(2 * np.pi * middle / 2000))
    assert np.abs(fit.process.rate_at(middle) - true).mean() < 1.6
    assert fit.process.model_dump()["cv"] == pytest.approx(cv, rel=0.1)
    assert fit.process.expected(4000) == pytest.approx(len(times), rel=0.01)
    with pytest.raises(TraceError, match="at least 3 at different times"):
        fit_arrivals(np.zeros(9))


def as_trace(n: int = 4000) -> bytes:
    """Requests of two clients with correlated lengths, as a table of the arena's kind."""
    arrivals = "{kind: gamma, rate_rps: 5, cv: 2}"
    phase = f"[{{name: a, requests: {n}, arrivals: {arrivals}, mix: {{report: 1}}}}]"
    scenario = load_scenario(
        "paper",
        [
            f"phases={phase}",
            "categories.3.prompt_tokens={kind: gamma, shape: 1.3, scale: 300}",
            "categories.3.length_correlation=0.5",
            "categories.3.max_output_tokens=100000",
            "cluster.context_tokens=200000",
        ],
    )
    workload = generate(scenario)
    names = scenario.tenant_names
    rows = zip(
        workload.arrival_s.tolist(),
        workload.tenant.tolist(),
        workload.prompt_tokens.tolist(),
        workload.output_tokens.tolist(),
        strict=True,
    )
    text = "req_time,client,prompt_len,output_len\n"
    return (text + "".join(f"{t},{names[c]},{p},{o}\n" for t, c, p, o in rows)).encode()


def test_fitted_scenario_behaves_like_its_trace() -> None:
    """Rate, shares, lengths and their correlation of the fitted traffic are those of the trace."""
    fit = fit_trace(io.BytesIO(as_trace()), ANY)
    scenario = from_yaml(to_yaml(fit.scenario))
    assert scenario == fit.scenario
    workload = generate(scenario)
    assert len(workload) == pytest.approx(4000, rel=0.1)
    assert set(scenario.tenant_names) == {"premium", "standard", "batch"}
    assert sum(fit.tenants.values()) == pytest.approx(1)
    found = fit.categories[0]
    assert found.correlation == pytest.approx(0.5, abs=0.05)
    again = stats.spearmanr(workload.prompt_tokens, workload.output_tokens).statistic
    assert again == pytest.approx(found.correlation, abs=0.05)
    for mine, theirs in (
        (workload.prompt_tokens, found.prompt_tokens),
        (workload.output_tokens, found.output_tokens),
    ):
        assert stats.ks_2samp(mine, theirs).statistic < 0.05
    assert set(fit.table()["quantity"]) == {"gap", "prompt_tokens", "output_tokens"}


def test_a_step_of_lengths_is_found_within_its_intervals() -> None:
    """Of who asks what, and where nothing moves, nothing is found."""
    times, factors_held, false = 0, 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        at_s, whose = np.sort(rng.uniform(0, 600, 2000)), rng.integers(0, 3, 2000)
        own = np.exp(np.array([3.5, 4.5, 5.5])[whose] + rng.normal(0, 0.7, 2000))
        false += len(fit_steps(at_s, to_tokens(own), whose))
        (step,) = fit_steps(at_s, to_tokens(own * np.where(at_s >= 250, 1.6, 1)), whose)
        times += step.at_low_s <= 250 <= step.at_high_s
        factors_held += step.low <= 1.6 <= step.high
    assert false == 0
    assert times >= 54  # 57 of 60 in the mean; 54 or fewer once in ten tries of such a test
    assert factors_held >= 54


def test_two_steps_are_found_and_drawn_again() -> None:
    """The fitted scenario drifts as the trace did."""
    drift = ["{kind: step, at_s: 300, factor: 2}", "{kind: step, at_s: 600, factor: 0.5}"]
    phase = "{name: a, duration_s: 900, arrivals: {kind: poisson, rate_rps: 4}, mix: {lookup: 1}}"
    scenario = load_scenario("swap-lengths", [f"phases=[{phase}]", f"drift=[{', '.join(drift)}]"])
    workload = generate(scenario)
    rows = zip(
        *(workload.arrival_s, workload.tenant, workload.prompt_tokens, workload.output_tokens),
        strict=True,
    )
    lines = "".join(f"{t},{c},{p},{o}\n" for t, c, p, o in rows)
    fit = fit_trace(io.BytesIO(f"req_time,client,prompt_len,output_len\n{lines}".encode()), ANY)
    for step, at_s, factor in zip(fit.steps, (300, 600), (2, 0.5), strict=True):
        assert step.at_s == pytest.approx(at_s, abs=15)
        assert step.factor == pytest.approx(factor, rel=0.1)
        assert step.low < step.factor < step.high
    gaps = fit.table().to_dict("records")[0]
    assert gaps["low"] <= 4 <= gaps["high"]
    again = generate(fit.scenario)
    middle = (again.arrival_s > 310) & (again.arrival_s < 590)
    ratio = again.output_tokens[middle].mean() / again.output_tokens[again.arrival_s < 290].mean()
    assert ratio == pytest.approx(2, rel=0.1)
    assert [*fit.assumed][1] == "llama-3-8b on A100-80"


def test_base_scenario_keeps_its_people_and_its_machine() -> None:
    """Fitting replaces the traffic and nothing else."""
    base = load_scenario("noisy-neighbour")
    fit = fit_trace(io.BytesIO(as_trace()), ANY, base, "mine")
    assert fit.scenario.name == "mine"
    assert fit.scenario.tenants == base.tenants
    assert fit.scenario.cluster == base.cluster
    assert fit.scenario.category_names == base.category_names
    mix = fit.scenario.phases[0].mix
    assert sum(mix.values()) == pytest.approx(1)
    assert {c.name: c.share for c in fit.categories} == mix


def test_curves_tell_what_the_table_tells() -> None:
    """The picture must show the same distance as the number beside it."""
    fit = fit_trace(io.BytesIO(as_trace()), ANY)
    curves = fit.curves()
    for _, row in fit.table().iterrows():
        mine = curves[(curves["quantity"] == row["quantity"])]
        widest = (mine["data_share"] - mine["fit_share"]).abs().max()
        assert widest <= row["ks"] + 1e-9
        assert widest > row["ks"] * 0.4
    figure = fit_chart(curves)
    assert len(figure.data) == 6
    assert "KS 0.0" in figure.data[1].name


def test_command_writes_a_scenario_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a file to a scenario in one line, and errors in one line."""
    trace, out = tmp_path / "t.csv", tmp_path / "s.yaml"
    trace.write_bytes(as_trace(500))
    arguments = ["fit", str(trace), "--out", str(out), "--chart", str(tmp_path / "c.html")]
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["requests"] == 500
    scenario = load_scenario(out)
    assert scenario.model_dump(mode="json", by_alias=True) == data["scenario"]
    assert "plotly" in (tmp_path / "c.html").read_text(encoding="utf-8")
    assert main(["fit", str(trace), "--set", "limit=0"]) == 2
    assert capsys.readouterr().err.strip().endswith("trace.limit must be >= 1, got 0")
    assert main(["fit", str(trace)]) == 0
    assert "arrivals: gamma" in capsys.readouterr().out


@pytest.mark.skipif(not TRACES.exists(), reason="shared/traces is not there")
def test_published_fits_of_azures_code_trace_come_back() -> None:
    """Prompts Gamma(0.93, 2201), answers log-normal(2.79, 0.86), gap CV 13 (FIELD.md §4)."""
    fit = fit_trace(TRACES / "AzureLLMInferenceTrace_code.csv", ANY)
    prompt = fit.categories[0].prompt.distribution.model_dump()
    assert prompt["kind"] == "gamma"
    assert prompt["shape"] == pytest.approx(0.93, abs=0.01)
    assert prompt["scale"] == pytest.approx(2201, rel=0.01)
    assert fit.arrivals.cv == pytest.approx(13.2, abs=0.1)
    assert fit.arrivals.rate_rps == pytest.approx(2.57, abs=0.01)
    assert fit.categories[0].correlation == pytest.approx(-0.02, abs=0.005)


@pytest.mark.skipif(not TRACES.exists(), reason="shared/traces is not there")
def test_azures_conversation_trace_is_no_simple_distribution() -> None:
    """Its answers have two humps: the quantiles must be taken, and the arrivals in pieces."""
    fit = fit_trace(TRACES / "AzureLLMInferenceTrace_conv.csv", ANY)
    assert fit.categories[0].output.distribution.kind == "empirical"
    assert fit.categories[0].output.candidates["lognormal"] > 0.1
    assert fit.arrivals.process.kind == "piecewise"
    assert fit.arrivals.ks < 0.03
    assert len(generate(fit.scenario)) == pytest.approx(19_366, rel=0.03)
