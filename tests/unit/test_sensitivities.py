"""The published claims under other assumptions, worked out again from the runs' tables."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import InputError
from driftsched.experiments import reproduce
from driftsched.experiments.sensitivities import (
    AS_IT_IS,
    WORDS_PER_TOKEN,
    assumed,
    moves,
    sensitivities,
)
from driftsched.scenario import Scenario, changed, load_scenario, with_policy
from driftsched.simulation import simulate

SEEDS = 2


def scaled() -> Scenario:
    return load_scenario("paper", ["phases.0.requests=200", "phases.1.requests=400"])


@cache
def table() -> pd.DataFrame:
    return sensitivities(scaled(), seeds=SEEDS)


def ours(assumption: str, claim: str) -> float:
    found = table().set_index(["assumption", "claim"])["ours_percent"]
    return float(found[assumption, claim])


def requests(scenario: Scenario, policy: str) -> list[pd.DataFrame]:
    """The table of requests, by seed."""
    own = with_policy(scenario, policy)
    return [simulate(changed(own, seed=own.seed + n)).requests for n in range(SEEDS)]


def mae_change(scenario: Scenario, tenant: str | None = None) -> float:
    """Of estimates with the EMA against the budgets without it, in percent."""
    errors = []
    for kind in ("none", "ema"):
        variant = changed(scenario, estimator__compensator={"kind": kind})
        tables = [one for policy in ("fifo", "sjf") for one in requests(variant, policy)]
        mine = [one if tenant is None else one[one["tenant"] == tenant] for one in tables]
        errors.append(
            np.mean(
                [
                    (one["estimated_output_tokens"] - one["counted_output_tokens"]).abs().mean()
                    for one in mine
                ]
            )
        )
    return 100 * float(errors[1] / errors[0] - 1)


def test_as_it_is_are_the_claims() -> None:
    """Two figures for one claim on one page would leave nobody sure of either."""
    claims = reproduce(scaled(), seeds=SEEDS).claims.iloc[:4]
    same = table()[table()["assumption"] == AS_IT_IS]
    for column in ("published_percent", "ours_percent", "low", "high"):
        assert same[column].tolist() == pytest.approx(claims[column].tolist())


def test_words_per_token_are_really_changed() -> None:
    scenario = scaled()
    categories = [
        category.model_copy(update={"words_per_token": WORDS_PER_TOKEN})
        for category in scenario.categories
    ]
    expected = mae_change(changed(scenario, categories=categories))
    assert ours(f"{WORDS_PER_TOKEN:g} words per token", "MAE") == pytest.approx(expected)
    assert expected > ours(AS_IT_IS, "MAE") + 10, "the unit is what is learnt"


def test_a_tenants_figures_are_of_its_own_requests() -> None:
    assert ours("batch only", "MAE") == pytest.approx(mae_change(scaled(), "batch"))
    medians = [
        pd.concat(requests(scaled(), policy)).query("tenant == 'batch'")["e2e_s"].median()
        for policy in ("fifo", "sjf")
    ]
    expected = 100 * (medians[1] / medians[0] - 1)
    assert ours("batch only", "SJF's median") == pytest.approx(expected)


def test_the_stress_phase_is_the_last_one() -> None:
    late = [
        pd.concat(requests(scaled(), policy)).query("phase == 'stress'")["e2e_s"].quantile(0.99)
        for policy in ("fifo", "sjf")
    ]
    expected = 100 * (late[1] / late[0] - 1)
    assert ours("stress phase only", "SJF's P99") == pytest.approx(expected)


def test_each_assumption_changes_one_thing() -> None:
    asked = assumed(scaled())
    sigma = [c.model_dump()["output_tokens"]["sigma"] for c in asked["spread × 3"].categories]
    assert sigma == pytest.approx([2.1, 1.05, 0.9, 0.9])
    for name, variant in asked.items():
        left = {"prompts", "categories"} - ({"prompts"} if "prompts" in name else {"categories"})
        assert variant.model_dump(include=left) == scaled().model_dump(include=left)
    assert not asked["prompts without job type"].prompts.leak


def test_lengths_without_sigma_are_refused() -> None:
    """Else "spread × 3" would be drawn and be nothing."""
    other = load_scenario("paper", ["categories.1.output_tokens={kind: constant, tokens: 9}"])
    with pytest.raises(InputError, match=r"categories\[1\].output_tokens.kind must be lognormal"):
        assumed(other)


def test_the_sentence_names_the_assumption_that_moves_most_and_no_part() -> None:
    rows = [
        (AS_IT_IS, False, "MAE", -60.0),
        ("wide", False, "MAE", -55.0),
        ("wordy", False, "MAE", -40.0),
        ("batch only", True, "MAE", 9.0),
    ]
    frame = pd.DataFrame(rows, columns=["assumption", "part", "claim", "ours_percent"])
    assert moves(frame) == "What moves each most: MAE −60 → −40 % (wordy)."


def test_progress_covers_all_runs() -> None:
    shares: list[float] = []
    sensitivities(scaled(), seeds=1, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
