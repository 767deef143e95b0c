"""Published experiments: each runs small, and its claims are what its runs gave."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from driftsched.experiments.papers import DRIFTSCHED, PAPERS, Reproduction
from driftsched.experiments.papers.a_min import planned
from driftsched.experiments.papers.clairvoyant import promoted
from driftsched.experiments.papers.mc_sf import least_latency
from driftsched.experiments.verdicts import NEAR_POINTS, at_most, figure, sign, within
from driftsched.scenario import Scenario, changed, from_yaml, to_yaml, with_policy
from driftsched.simulation import simulate
from driftsched.studio.work import check_amount

COLUMNS = ["claim", "published_percent", "ours_percent", "low", "high", "holds", "explanation"]
OTHERS = [name for name in PAPERS if name != DRIFTSCHED]
SEEDS = 2


def short(scenario: Scenario) -> Scenario:
    """The same with few requests."""
    phases = [
        phase.model_dump() | {"requests": 60, "duration_s": None} for phase in scenario.phases
    ]
    return changed(scenario, phases=phases)


@pytest.fixture(scope="module", params=OTHERS)
def repeated(request: pytest.FixtureRequest) -> tuple[str, Reproduction]:
    paper = PAPERS[request.param]
    scenarios = {name: short(one) for name, one in paper.scenarios.items()}
    return request.param, paper.judge(scenarios, SEEDS, None)


def rows(found: Reproduction) -> list[Any]:
    return [*found.claims.itertuples(index=False)]


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_says_where_it_was_published_and_what_is_run(name: str) -> None:
    paper = PAPERS[name]
    assert re.fullmatch(r"arXiv \d{4}\.\d{5}", paper.source)
    assert paper.question.endswith("?")
    assert f"({paper.source})" in paper.question
    for scenario in paper.scenarios.values():
        assert from_yaml(to_yaml(scenario)) == scenario
    check_amount((20, dict(paper.scenarios)))


def test_claims_are_a_row_each_with_an_explanation(repeated: tuple[str, Reproduction]) -> None:
    _, found = repeated
    assert [*found.claims.columns] == COLUMNS
    assert found.claims["claim"].is_unique
    for row in rows(found):
        assert row.low <= row.ours_percent <= row.high, row.claim
        assert row.explanation.endswith(".")
        assert re.search(r"\d", row.explanation), row.claim
    assert len(found.assumptions) >= 4
    assert f"{NEAR_POINTS:g} points" in found.assumptions[-1]


def test_every_run_is_in_the_table(repeated: tuple[str, Reproduction]) -> None:
    name, found = repeated
    table = found.metrics
    assert (table["finished"] == 60).all()
    if name != "a-min":  # its settings are made from one
        assert set(table["setting"]) == set(PAPERS[name].scenarios)
    runs = table.groupby(["setting", "variant"])["seed"].nunique()
    assert (runs == SEEDS).all()


MEANS = {
    "vtc": ("VTC's gap is below", "service_gap_tokens", ("arena", "fifo"), ("arena", "vtc")),
    "mc-sf": ("It is below FIFO's", "mean_s", ("load 1.1", "fifo"), ("load 1.1", "sjf")),
    "a-min": ("Wider", "mean_s", ("A_max ±50 %", "sjf"), ("A_max ±90 %", "sjf")),
}
"""Of a paper: how a claim begins, the column it is of, and what it compares."""
MEDIANS = {
    "clairvoyant": ("Burst", "burst", "short"),
    "asr-drift": ("SJF's gain persists", "drift", "speech"),
}
"""Likewise, of medians of a category under FIFO and SJF: the setting and the category."""


def test_a_claim_is_the_change_that_its_table_or_a_run_of_our_own_gives(
    repeated: tuple[str, Reproduction],
) -> None:
    name, found = repeated
    words = (MEANS.get(name) or MEDIANS[name])[0]
    (claim,) = [row for row in rows(found) if row.claim.startswith(words)]
    if name in MEANS:
        _, column, *sides = MEANS[name]
        table = found.metrics.set_index(["setting", "variant"])[column]
        old, new = (table[side].to_numpy(np.float64) for side in sides)
        changes = new / old - 1 if column != "mean_s" else new.mean() / old.mean() - 1
        assert claim.ours_percent == pytest.approx(100 * np.mean(changes))
        return
    _, setting, category = MEDIANS[name]
    scenario = short(PAPERS[name].scenarios[setting])
    medians = []
    for policy in ("fifo", "sjf"):
        runs = [
            simulate(changed(with_policy(scenario, policy), seed=seed), engine="simpy").requests
            for seed in range(1, SEEDS + 1)
        ]
        values = [run.loc[run["category"] == category, "e2e_s"] for run in runs]
        medians.append(np.median(np.concatenate(values)))
    assert claim.ours_percent == pytest.approx(100 * (medians[1] / medians[0] - 1), abs=2)


def test_a_figure_a_bound_and_a_direction_are_judged() -> None:
    near, far, unsure = (-20.0, -25.0, -15.0), (-40.0, -45.0, -35.0), (-20.0, -50.0, 1.0)
    assert [figure("", -25.0, ours, "")[5] for ours in (near, far, unsure)] == [True, False, False]
    assert at_most("", -15.0, near, "")[5]
    assert not at_most("", -16.0, near, "")[5]
    assert within("", -15.0, near, "")[5]
    assert math.isnan(within("", -15.0, near, "")[1]), "a bound of ours was not published"
    assert [sign("", -1, ours, "")[5] for ours in (near, unsure)] == [True, False]
    assert not sign("", 1, near, "")[5]
    alone = (-20.0, math.nan, math.nan)
    judged = figure("", -20.0, alone, ""), at_most("", 0.0, alone, ""), sign("", -1, alone, "")
    assert not any(row[5] for row in judged), "one replication claims nothing"


def test_a_long_request_passes_a_short_one_that_came_so_much_later() -> None:
    """Promotion after three services of a short one, neither sooner nor later."""
    scenario = promoted(PAPERS["clairvoyant"].scenarios["exponential"])
    result = simulate(short(scenario), engine="simpy").requests
    short_s = (scenario.categories[0].base_tokens + 1) / 100
    due = result["arrival_s"] + 3 * short_s * (result["category"] == "long")
    order = result.sort_values("dispatch_s").index
    for place, one in enumerate(order):
        later = order[place + 1 :]
        waiting = later[result["arrival_s"][later] < result["dispatch_s"][one]]
        assert not (due[waiting] < due[one] - 1e-9).any()


def shortest_sum(arrival: list[int], prompt: int, output: list[int], memory: int) -> float:
    """Least mean latency of all starts, by trying them."""
    best = math.inf
    spans = [range(came, came + sum(output) + 1) for came in arrival]
    for starts in itertools.product(*spans):
        ends = [start + one for start, one in zip(starts, output, strict=True)]
        total = sum(ends) - sum(arrival)
        if total >= best:
            continue
        held = (
            sum(
                prompt + now - start
                for start, end in zip(starts, ends, strict=True)
                if start < now <= end
            )
            for now in range(1, max(ends) + 1)
        )
        best = total if all(one <= memory for one in held) else best
    return best / len(arrival)


def test_nobody_beats_the_bound_on_hindsight() -> None:
    """A bound above what can be had would flatter MC-SF."""
    rng = np.random.default_rng(1)
    tight = []
    for _ in range(12):
        output = [int(one) for one in rng.integers(1, 6, 4)]
        arrival = sorted(int(one) for one in rng.integers(0, 5, 4))
        best = shortest_sum(arrival, 1, output, 8)
        lengths = np.array(arrival, float), np.ones(4), np.array(output, float)
        bound = least_latency(*lengths, 8.0)
        assert bound <= best + 1e-9
        tight.append(best / bound)
    assert np.mean(tight) < 1.6, "a bound of nothing would pass as well"


def test_known_lengths_are_known_and_shares_of_them_planned_with() -> None:
    (scenario,) = PAPERS["a-min"].scenarios.values()
    for share in (0.5, 1.0, 1.9):
        rows = simulate(planned(short(scenario), share)).requests
        told = (share * rows["output_tokens"] + 1e-9).astype(int)
        assert (rows["estimated_output_tokens"] - told).abs().max() <= 1


def test_policy_of_a_setting_does_not_matter() -> None:
    paper = PAPERS["asr-drift"]
    scenarios = {name: short(one) for name, one in paper.scenarios.items()}
    other = {name: with_policy(one, "hrrn") for name, one in scenarios.items()}
    ours, theirs = (paper.judge(one, SEEDS, None).claims for one in (scenarios, other))
    assert ours["ours_percent"].tolist() == theirs["ours_percent"].tolist()
