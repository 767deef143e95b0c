"""Drift events: from when on, for whom, by how much; and where they stand in charts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driftsched.core.errors import ScenarioError
from driftsched.results.marks import run_marks
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.simulation import simulate
from driftsched.traffic import DRIFTS
from driftsched.traffic.drift import RandomWalk
from driftsched.workload import Workload, drift_marks, generate
from driftsched.workload.table import nominal_starts

WIDE = 200_000


def drifting(*events: dict[str, Any], **fields: Any) -> Scenario:
    """Two phases of 100 s and 200 s, 10 s apart, 20 requests/s, lengths never cut."""
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    for category in data["categories"]:
        category["max_output_tokens"] = WIDE
    data["cluster"]["context_tokens"] = 10 * WIDE
    mix = data["phases"][0]["mix"]
    base = {"arrivals": {"kind": "poisson", "rate_rps": 20}, "mix": mix}
    data["phases"] = [
        base | {"name": "one", "duration_s": 100, "pause_s": 10, "drain": True},
        base | {"name": "two", "duration_s": 200},
    ]
    return parse_scenario(data | {"drift": list(events)} | fields)


PLAIN = generate(drifting())


def clock(workload: Workload) -> NDArray[np.float64]:
    """Nominal time of each request."""
    starts = nominal_starts(workload.segments)
    parts = [
        workload.arrival_s[segment.first : segment.stop] + start
        for segment, start in zip(workload.segments, starts, strict=True)
    ]
    return np.concatenate(parts)


def ratios(*events: dict[str, Any]) -> NDArray[np.float64]:
    return generate(drifting(*events)).output_tokens / PLAIN.output_tokens


LONG = PLAIN.output_tokens > 100  # rounding to tokens blurs the ratio of short answers
TIME = clock(PLAIN)


def test_nominal_time_lays_phases_end_to_end() -> None:
    """The second phase starts at its own first request after 100 s and a pause of 10 s."""
    assert TIME.min() >= 0
    assert TIME[PLAIN.segments[1].first] == pytest.approx(110, abs=1)


def test_step_changes_lengths_from_its_time_on_for_its_time() -> None:
    """Requests before it, and after its end, must keep their lengths to the token."""
    found = ratios({"kind": "step", "factor": 2, "at_s": 60, "for_s": 100})
    on = (TIME >= 60) & (TIME < 160)
    assert (found[~on] == 1).all()
    assert found[on & LONG] == pytest.approx(2, abs=0.01)


def test_event_of_a_phase_counts_from_its_start() -> None:
    """A drain may take long; the event must still meet the same requests."""
    found = ratios({"kind": "step", "factor": 3, "at_s": 50, "phase": "two"})
    assert (found[TIME < 160] == 1).all()
    assert found[(TIME >= 160) & LONG] == pytest.approx(3, abs=0.02)


def test_ramp_grows_in_a_straight_line() -> None:
    """Half of the way at half of the time, and then it stays."""
    found = ratios({"kind": "ramp", "factor": 3, "at_s": 120, "over_s": 100})
    expected = 1 + 2 * np.clip((TIME - 120) / 100, 0, 1)
    assert found[LONG] == pytest.approx(expected[LONG], abs=0.02)


def test_season_swings_around_the_usual_length() -> None:
    """It starts upwards and comes back after each period."""
    found = ratios({"kind": "seasonal", "amplitude": 0.5, "period_s": 80, "at_s": 110})
    since = TIME - 110
    expected = np.where(since >= 0, 1 + 0.5 * np.sin(2 * np.pi * since / 80), 1)
    assert found[LONG] == pytest.approx(expected[LONG], abs=0.02)


def test_walks_differ_by_tenant_and_have_the_size_asked_for() -> None:
    """Each tenant wanders on its own; far apart ln(factor) spreads by sd."""
    event = {"kind": "random_walk", "sd": 0.41, "every_s": 5, "memory": 0.5}
    found = np.log(ratios(event))
    long = PLAIN.output_tokens > 300
    first, second = (PLAIN.tenant == tenant for tenant in (0, 1))
    steps = (TIME // 5).astype(int)
    walks = {
        tenant: np.array(
            [found[(PLAIN.tenant == tenant) & long & (steps == s)].mean() for s in range(20)]
        )
        for tenant in (0, 1)
    }
    assert abs(np.corrcoef(walks[0], walks[1])[0, 1]) < 0.7
    inside = found[first & long & (steps == 3)]
    assert inside.std() < 0.01  # one factor a tenant and step
    assert not np.allclose(walks[0], walks[1], atol=0.05)
    assert second.any()
    walk = RandomWalk.model_validate(event)._walk(np.random.default_rng(1), 40_000)
    assert walk[0] == 0
    assert walk.std() == pytest.approx(0.41, rel=0.05)
    assert np.corrcoef(walk[1:], walk[:-1])[0, 1] == pytest.approx(0.5, abs=0.03)


def test_walk_goes_on_through_phases() -> None:
    """A second phase must not start the walk again, nor repeat the first one's."""
    event = {"kind": "random_walk", "sd": 1, "every_s": 1000}
    found = ratios(event | {"every_s": 200, "memory": 0.0})
    assert (found[TIME < 200] == 1).all()
    later = found[(TIME >= 200) & LONG & (PLAIN.tenant == 0)]
    assert later.std() / later.mean() < 0.01
    assert later.mean() != pytest.approx(1, abs=0.01)


def test_new_model_concerns_all_categories_and_rolls_out() -> None:
    """A growing share of requests gets the new factor; none gets one in between."""
    found = ratios({"kind": "new_model", "factor": 1.5, "at_s": 110, "rollout_s": 100})
    new = np.abs(found - 1.5) < 0.01
    assert (new | (found == 1))[LONG].all()
    assert (found[TIME < 110] == 1).all()
    assert new[(TIME > 210) & LONG].all()
    halfway = new[(TIME > 150) & (TIME < 170) & LONG]
    assert halfway.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(halfway)))
    assert set(PLAIN.category[new & LONG]) == set(PLAIN.category[LONG])


def test_heavy_tail_hits_its_share_with_a_pareto_multiple() -> None:
    """P(multiple > 4) = 4^-1.2 among those hit."""
    found = ratios({"kind": "heavy_tail", "share": 0.3, "alpha": 1.2, "at_s": 110})
    assert (found[TIME < 110] == 1).all()
    hit = found[(TIME >= 110) & LONG] > 1
    assert hit.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / len(hit)))
    multiples = found[(TIME >= 110) & LONG][hit]
    assert (multiples > 4).mean() == pytest.approx(4**-1.2, abs=4 * 0.4 / np.sqrt(len(multiples)))


def test_mix_shift_moves_shares_and_keeps_who_need_not_move() -> None:
    """After it the mix is the new one; a request whose draw still fits keeps its category."""
    event = {"kind": "mix_shift", "mix": {"report": 1}, "at_s": 110, "over_s": 100}
    workload = generate(drifting(event))
    report = workload.category == 3
    assert np.array_equal(workload.category[TIME < 110], PLAIN.category[TIME < 110])
    assert report[TIME > 210].all()
    half = report[(TIME > 150) & (TIME < 170)]
    assert half.mean() == pytest.approx(0.55, abs=4 * 0.5 / np.sqrt(len(half)))
    assert report[PLAIN.category == 3].all()
    assert np.array_equal(workload.arrival_s, PLAIN.arrival_s)


def test_scope_is_tenants_and_categories_and_prompts() -> None:
    """Drift of one customer's reports must leave all others as they were."""
    scope = {"tenants": ["batch"], "categories": ["report", "summary"]}
    found = ratios({"kind": "step", "factor": 2} | scope)
    mine = (PLAIN.tenant == 2) & np.isin(PLAIN.category, [1, 3])
    assert (found[~mine] == 1).all()
    assert found[mine & LONG] == pytest.approx(2, abs=0.01)
    prompts = generate(drifting({"kind": "step", "factor": 2, "of": "prompt"}))
    assert np.array_equal(prompts.output_tokens, PLAIN.output_tokens)
    assert (prompts.prompt_tokens == 2 * PLAIN.prompt_tokens).all()


def test_events_multiply() -> None:
    """Two events at once are both felt."""
    found = ratios({"kind": "step", "factor": 2}, {"kind": "new_model", "factor": 1.5})
    assert found[LONG] == pytest.approx(3, abs=0.02)


def test_drifted_answers_are_still_cut_and_capped_ones_do_not_drift() -> None:
    """The engine stops at max_output_tokens, whatever the model would like to say."""
    event = "drift=[{kind: step, factor: 100}]"
    workload = generate(load_scenario("paper", [event]))
    assert (workload.output_tokens <= workload.max_output_tokens).all()
    capped = generate(load_scenario("paper", [event, "lengths=capped"]))
    assert np.array_equal(capped.output_tokens, capped.max_output_tokens)


@pytest.mark.parametrize("kind", DRIFTS)
def test_every_kind_leaves_what_came_before_it_alone(kind: str) -> None:
    """An event that reached back in time could not be told from another workload."""
    parameters: dict[str, dict[str, Any]] = {
        "step": {"factor": 2},
        "ramp": {"factor": 2, "over_s": 50},
        "seasonal": {"amplitude": 0.5, "period_s": 60},
        "new_model": {"factor": 0.5},
        "mix_shift": {"mix": {"report": 1}},
    }
    event = {"kind": kind, "at_s": 150} | parameters.get(kind, {})
    workload = generate(drifting(event))
    before = TIME < 150
    for name in ("tenant", "category", "prompt_tokens", "output_tokens", "output_words"):
        assert np.array_equal(getattr(workload, name)[before], getattr(PLAIN, name)[before])
    assert not np.array_equal(workload.output_tokens, PLAIN.output_tokens)
    assert np.array_equal(workload.arrival_s, PLAIN.arrival_s)
    assert DRIFTS[kind].model_validate(event).title


def test_trace_drifts_too_but_keeps_its_mix() -> None:
    """Recorded lengths are multiplied; a shift of the mix has nothing to act on."""
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    trace = {"phases": [], "trace": {"file": "t.csv"}}
    with pytest.raises(ScenarioError, match=r"drift\[0\]: a trace has its own mix"):
        parse_scenario(data | trace | {"drift": [{"kind": "mix_shift", "mix": {"report": 1}}]})


def test_marks_stand_where_the_requests_came() -> None:
    """After a long drain the event comes as much later in the run as its phase does."""
    event = {"kind": "step", "factor": 2, "at_s": 20, "phase": "two", "for_s": 30, "label": "v2"}
    other = {"kind": "new_model", "factor": 1.2, "at_s": 115}
    fit = json.loads(drifting(event, other).model_dump_json(by_alias=True))
    fit["cluster"]["context_tokens"] = 2048
    for category in fit["categories"]:
        category["max_output_tokens"] = 600
    scenario = parse_scenario(fit)
    segments = generate(scenario).segments
    assert drift_marks(scenario, segments) == [
        (115.0, "new model ×1.2"),
        (130.0, "v2"),
        (160.0, "end of v2"),
    ]
    result = simulate(scenario)
    starts = result.requests.groupby("phase", observed=True)["arrival_s"].min()
    assert starts["two"] > 150  # the drain took longer than the nominal 110 s
    marks = {label: at for at, label in run_marks(result)}
    assert marks["v2"] == pytest.approx(starts["two"] + 20, abs=0.5)
    assert marks["new model ×1.2"] == pytest.approx(starts["two"] + 5, abs=0.5)
    assert marks["one"] == starts["one"]
