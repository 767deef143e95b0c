"""What is said of a fit that cannot be trusted, and of figures that are not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.cli.main import main
from driftsched.experiments.twin import build_twin, twin_warnings
from driftsched.live.calibration import Calibration, calibrate, calibrate_run
from driftsched.live.hardware_entry import entry_of, warnings_of, write_entry
from driftsched.live.iteration_log import IterationGroup, Stretch
from driftsched.live.observations import Observations, observe_run
from driftsched.results import RunResult, write_parquet
from driftsched.scenario import load_scenario
from driftsched.serving.cost import ConstantRateConfig
from driftsched.simulation import simulate
from driftsched.studio.live.twin import coefficient_table, error_table

STEADY = "cluster.cost={kind: coefficients, overhead_s: 0.02, weights_s: 0, token_s: 0.0001}"


def run(*changes: str) -> RunResult:
    counts = ["phases.0.requests=40", "phases.1.requests=80"]
    mode = ["engine.mode=continuous", "engine.batch_size=8"]
    return simulate(load_scenario("paper", [*counts, *mode, STEADY, *changes]))


def noisy(spread: float) -> Calibration:
    """Calibrated from a run on a machine whose pace goes up and down."""
    seen = observe_run(run())
    factors = np.random.default_rng(3).lognormal(0.0, spread, len(seen))
    slower = seen.stretches.assign(seconds=seen.stretches["seconds"] * factors)
    return calibrate(replace(seen, stretches=slower))


def test_a_good_fit_is_left_in_peace() -> None:
    """Else warnings would be on every page, and nobody would read them."""
    assert warnings_of(calibrate_run(run()).fit) == []
    assert warnings_of(entry_of(noisy(0.1)).fit) == []


def test_a_poor_fit_says_so_and_what_to_do() -> None:
    """Else an entry that predicts nothing would be simulated with in good faith."""
    calibration = noisy(1.2)
    assert calibration.fit["r2"] < 0.9
    said = " ".join(warnings_of(calibration.fit))
    assert f"R² is {calibration.fit['r2']:.2f}" in said
    assert "Calibrate from a run of the traffic in question" in said
    # The same is known of an entry that was written, and none of an older one without figures.
    assert warnings_of(entry_of(calibration).fit) == warnings_of(calibration.fit)
    assert warnings_of({}) == []


def test_time_in_stalls_is_said() -> None:
    """Else an engine that stands still half of its time would be called twice as fast."""
    assert "gives 60 % of the time" in warnings_of({"r2": 0.95, "total_relative_error": -0.4})[0]


def test_a_short_run_is_said_to_be_short() -> None:
    """Else seven coefficients from nine stretches would look like a measurement."""
    fit = calibrate_run(run("phases.0.requests=3", "phases.1.requests=3")).fit
    (said,) = warnings_of(fit)
    assert f"{fit['observations']:.0f} stretches of {fit['iterations']:.0f} iterations" in said


def test_no_figure_is_nan_for_a_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else "nan" would stand where a coefficient is at its bound, or an error has no meaning."""
    live = run()
    calibration = calibrate_run(live)
    table = coefficient_table(calibration)
    doubt = dict(zip(table["Coefficient"], table["Standard error"], strict=True))
    assert doubt["prompt_s"] == "at its bound"
    assert doubt["overhead_s"].startswith("±")
    # All first tokens at once, and answers of one token: neither TTFT nor TPOT can be compared.
    at_once = live.requests.assign(first_token_s=live.requests["arrival_s"], ttft_s=0.0)
    at_once[["output_tokens", "tpot_s"]] = [1, np.nan]
    twin = build_twin(replace(live, requests=at_once), calibration.cost())
    errors = error_table(twin)
    assert errors["Error"].tolist()[:6] == ["–"] * 6
    assert "nan" not in errors.to_string() + table.to_string()
    write_parquet(replace(live, requests=at_once), tmp_path / "run")
    write_entry(entry_of(calibration), tmp_path / "entry.yaml")
    assert main(["twin", str(tmp_path / "run"), "--cost", str(tmp_path / "entry.yaml")]) == 0
    heard = capsys.readouterr()
    assert "nan" not in heard.out + heard.err


def test_a_fit_without_variance_has_no_r2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else an engine of equal iterations would be "R² nan", or called poor."""
    rows = [Stretch(0.1 * n, 0.1, 500.0, 0.0, [IterationGroup(1, 4, 4)]) for n in range(60)]
    entry = entry_of(calibrate(Observations.of(rows)))
    assert entry.fit["r2"] is None
    assert not any("poor" in said for said in warnings_of(entry.fit))
    shaky = [
        row._replace(seconds=row.seconds * (1 + 0.01 * (-1) ** n)) for n, row in enumerate(rows)
    ]
    shaken = calibrate(Observations.of(shaky)).fit
    assert shaken["r2"] < 0.9
    assert not any("poor" in said for said in warnings_of(shaken))
    write_parquet(run("categories.0.max_output_tokens=1"), tmp_path / "run")
    assert main(["calibrate", str(tmp_path / "run")]) == 0
    heard = capsys.readouterr()
    assert "nan" not in heard.out + heard.err


def test_cached_prompts_are_not_counted_and_are_said() -> None:
    """Else an engine that knows the prompts would look fast, and its twin slow, for no reason."""
    live = run("categories.0.prompt_tokens={kind: uniform, low: 200, high: 900}")
    whole = calibrate_run(live)
    requests = live.requests.assign(cached_tokens=0.75 * live.requests["prompt_tokens"] // 1)
    known = replace(live, requests=requests)
    begun = pd.DataFrame(calibrate_run(known).residuals)
    half = begun.loc[begun["prompts"] > 0, "tokens"].mean()
    assert half < 0.6 * whole.residuals.loc[whole.residuals["prompts"] > 0, "tokens"].mean()
    (said,) = twin_warnings(build_twin(known, whole.cost()))
    assert "75% of the prompts' tokens" in said
    assert twin_warnings(build_twin(live, whole.cost())) == []


def test_a_twin_far_from_its_run_is_said_to_be_none() -> None:
    """55 % off at the median was a figure in a table; whoever reads the others must know it."""
    live = run()
    slow = ConstantRateConfig(kind="constant", token_s=0.5)
    (said,) = twin_warnings(build_twin(live, slow))
    assert "above what was measured: it does not stand for this engine" in said
