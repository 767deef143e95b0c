"""The published experiment: its claims are computed, judged by one rule, explained by findings."""

from __future__ import annotations

import pickle
import re
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError, ScenarioError
from driftsched.experiments import PaperResult, reproduce
from driftsched.experiments.reproduce import findings
from driftsched.experiments.verdicts import NEAR_POINTS
from driftsched.results import estimation_table
from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.simulation import simulate

COLUMNS = ["claim", "published_percent", "ours_percent", "low", "high", "holds", "explanation"]


def scaled() -> Scenario:
    """The experiment with a fifth of its requests."""
    return load_scenario("paper", ["phases.0.requests=200", "phases.1.requests=400"])


def without_safety_factors(scenario: Scenario) -> Scenario:
    tenants = [tenant.model_copy(update={"safety_factor": 1.0}) for tenant in scenario.tenants]
    return changed(scenario, tenants=tenants)


@pytest.fixture(scope="module")
def paper() -> PaperResult:
    return reproduce(scaled(), seeds=3)


def records(paper: PaperResult) -> list[dict[Hashable, Any]]:
    return paper.claims.to_dict(orient="records")


def row(paper: PaperResult, words: str) -> dict[Hashable, Any]:
    (found,) = [record for record in records(paper) if words in record["claim"]]
    return found


def test_claims_are_those_published(paper: PaperResult) -> None:
    """A figure that the paper does not state must not stand beside ours."""
    assert list(paper.claims.columns) == COLUMNS
    published = paper.claims["published_percent"].tolist()
    assert published[:4] == [-38.8, -40.5, -42.0, -16.0]
    assert np.isnan(published[4:]).all()


def test_claims_are_the_comparisons_changes(paper: PaperResult) -> None:
    comparison = paper.comparison
    for words, metric in (("median", "p50_e2el_ms"), ("P99", "p99_e2el_ms")):
        claim = row(paper, f"SJF's {words} latency is")
        change = comparison.change(metric, "sjf", "fifo")
        got = (claim["ours_percent"], claim["low"], claim["high"])
        assert got == pytest.approx((100 * change.mean, 100 * change.low, 100 * change.high))
    mae = row(paper, "MAE")
    none, ema = (comparison.errors("mae", name) for name in ("none", "ema"))
    assert mae["ours_percent"] == pytest.approx(100 * (ema.mean() / none.mean() - 1))
    assert mae["low"] < mae["ours_percent"] < mae["high"]
    assert comparison.seeds == [1, 2, 3]


def test_a_figure_holds_when_it_is_near_and_told_from_nothing(paper: PaperResult) -> None:
    for claim in records(paper)[:4]:
        near = abs(claim["ours_percent"] - claim["published_percent"]) <= NEAR_POINTS
        told = claim["high"] < 0 or claim["low"] > 0
        assert claim["holds"] == (near and told), claim["claim"]


def test_explanations_are_sentences_with_figures(paper: PaperResult) -> None:
    for claim in records(paper):
        text = claim["explanation"]
        assert text.endswith(".")
        assert re.search(r"\d", text), claim["claim"]
        assert not re.search(r"\bnan\b", text)
        assert re.search(r"\(\S+ to \S+\)", text), "a figure without its interval"


def test_words_drift_in_every_category_and_tokens_hardly(paper: PaperResult) -> None:
    """The second version's point: most of the drift is that words are counted as tokens."""
    assert row(paper, "drift in every category")["holds"]
    tokens = reproduce(scaled(), seeds=3, unit="tokens", lengths="capped")
    assert not row(tokens, "drift in every category")["holds"]
    assert row(tokens, "in tokens the bias stays near 1")["holds"]
    assert not row(tokens, "MAE")["holds"]
    assert "little to learn" in row(tokens, "MAE")["explanation"]


def test_explanation_follows_the_engine(paper: PaperResult) -> None:
    gang = row(paper, "SJF's P99")
    assert "A gang ends when its longest answer does" in gang["explanation"]
    continuous = row(reproduce(scaled(), seeds=3, mode="continuous"), "SJF's P99")
    assert "nobody waits for the longest of a gang" in continuous["explanation"]
    assert continuous["ours_percent"] > gang["ours_percent"]


def test_tiers_turned_upside_down_are_told(paper: PaperResult) -> None:
    """Safety factors order SJF's queue by tier, the wrong way round."""
    assert "turned upside down" in row(paper, "SJF's median latency is")["explanation"]
    fair = without_safety_factors(scaled())
    explained = row(reproduce(fair, seeds=2), "SJF's median latency is")["explanation"]
    assert "upside down" not in explained


def test_assumptions_name_the_scenarios_values(paper: PaperResult) -> None:
    text = "\n".join(paper.assumptions)
    assert "short_qa lognormal (mu 5, sigma 0.7)" in text
    assert "short_qa 0.72" in text
    capped = reproduce(scaled(), seeds=1, lengths="capped")
    assert "Every answer is as long as its category allows" in capped.assumptions[0]


def test_compensator_and_percentiles_are_what_the_claims_need() -> None:
    """Claims about the EMA must not be judged under another compensator, nor without P99."""
    other = changed(scaled(), estimator__compensator={"kind": "none"}, metrics__percentiles=[75.0])
    paper, plain = reproduce(other, seeds=1), reproduce(scaled(), seeds=1)
    pd.testing.assert_series_equal(paper.claims["ours_percent"], plain.claims["ours_percent"])


def test_one_repetition_claims_nothing() -> None:
    """A single run has no interval, so it cannot tell a change from luck."""
    claims = reproduce(scaled(), seeds=1).claims
    assert claims["low"].isna().all()
    assert not claims["holds"].any()


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ({"unit": "letters"}, "estimator.unit must be"),
        ({"mode": "fast"}, "engine.mode must be"),
        ({"lengths": "short"}, "lengths must be"),
    ],
)
def test_unknown_switch_is_one_error(switch: dict[str, str], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        reproduce(scaled(), seeds=1, **switch)  # type: ignore[arg-type]


def test_no_repetition_is_refused() -> None:
    with pytest.raises(InputError, match="seeds must be >= 1"):
        reproduce(scaled(), seeds=0)


def test_progress_covers_all_runs_and_result_is_picklable() -> None:
    shares: list[float] = []
    paper = reproduce(scaled(), seeds=1, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(paper)).claims, paper.claims)


def test_slot_use_counts_the_steps_of_a_gang() -> None:
    """Slot use is what explains the gain at the tail; here it is counted step by step."""
    result = simulate(scaled())
    used = steps = 0
    for _, gang in result.requests.groupby("batch_id"):
        longest = int(gang["output_tokens"].max())
        for step in range(longest):
            used += int((gang["output_tokens"] > step).sum())
            steps += len(gang)
    assert findings("fifo", result)["slot_use"] == pytest.approx(used / steps)


def test_safety_factors_of_one_are_really_run() -> None:
    """What the correction would do without safety factors must match a run without them."""
    scenario = scaled()
    even = without_safety_factors(scenario)
    table = estimation_table(simulate(even)).set_index("compensator")
    facts = findings("fifo", simulate(scenario))
    assert facts["mae_change"] == pytest.approx(table.loc["ema", "mae_change"])
    assert facts["rmse_change"] == pytest.approx(table.loc["ema", "rmse_change"])
