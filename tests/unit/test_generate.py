"""generate(): determinism, common random numbers, bounds, cuts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from driftsched.core.errors import ScenarioError
from driftsched.experiments.load import offered_load
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.workload import Workload, generate
from driftsched.workload.streams import COMPONENTS, Streams, pick_by_share

COLUMNS = (
    "arrival_s",
    "tenant",
    "category",
    "prompt_id",
    "prompt_tokens",
    "output_tokens",
    "max_output_tokens",
    "prompt_words",
    "output_words",
)


def small(*overrides: str) -> Scenario:
    return load_scenario("paper", ["phases.0.requests=400", "phases.1.requests=600", *overrides])


def changed(a: Workload, b: Workload) -> set[str]:
    return {name for name in COLUMNS if not np.array_equal(getattr(a, name), getattr(b, name))}


def test_same_seed_gives_the_same_table() -> None:
    """A draw outside the seeded streams would make runs irreproducible."""
    assert changed(generate(small()), generate(small(), seed=1)) == set()


def test_another_seed_gives_other_draws() -> None:
    """A seed that is not used would repeat one table for ever."""
    assert {"arrival_s", "tenant", "category", "output_tokens"} <= changed(
        generate(small()), generate(small(), seed=2)
    )


@pytest.mark.parametrize(
    ("override", "columns"),
    [
        ("policy.kind=sjf", set()),
        ("estimator.unit=tokens", set()),
        ("prompts.leak=false", {"prompt_tokens", "prompt_words"}),
        ("lengths=capped", {"output_tokens", "output_words"}),
        ("phases.0.arrivals.high_s=0.2", {"arrival_s"}),
        (
            "categories.3.output_tokens.mu=5",
            {"output_tokens", "output_words"},
        ),
    ],
)
def test_one_setting_leaves_the_other_draws_alone(override: str, columns: set[str]) -> None:
    """Shared streams would let a setting move draws it has nothing to do with."""
    assert changed(generate(small()), generate(small(override))) == columns


def test_requests_that_keep_their_category_keep_their_length_under_another_mix() -> None:
    """Lengths drawn per category in sequence would all shift when the mix does."""
    a = generate(small())
    b = generate(small("phases.1.mix={short_qa: 0.2, summary: 0.1, technical: 0.4, report: 0.3}"))
    same = a.category == b.category
    assert 0.5 < same.mean() < 1
    assert np.array_equal(a.output_tokens[same], b.output_tokens[same])


def test_share_zero_is_never_picked_and_rounding_never_runs_over() -> None:
    """A draw of exactly 0, or a hair under 1, must land on a share that is there."""
    draws = np.array([0.0, np.nextafter(1.0, 0.0)])
    assert pick_by_share(draws, [0, 0.3, 0.7, 0]).tolist() == [1, 2]
    assert pick_by_share(draws, [0.1] * 10).tolist() == [0, 9]


def test_every_component_and_phase_has_a_stream_of_its_own() -> None:
    """One stream used twice would tie, say, tenants to lengths."""
    streams = Streams(1, 3)
    first = [streams.get(name, phase).random() for name in COMPONENTS for phase in range(3)]
    assert len(set(first)) == len(COMPONENTS) * 3
    assert Streams(1, 9).get("tenants", 2).random() == streams.get("tenants", 2).random()


def test_longer_phase_extends_the_shorter() -> None:
    """A duration must not redraw the arrivals before it ends."""
    base = ["phases.1.requests=null", "phases.1.arrivals={kind: poisson, rate_rps: 50}"]
    short = generate(small(*base, "phases.1.duration_s=5"))
    long = generate(small(*base, "phases.1.duration_s=9"))
    assert np.array_equal(short.arrival_s, long.arrival_s[: len(short)])
    assert short.segments[1].duration_s == 5
    assert short.arrival_s[400:].max() <= 5 < long.arrival_s[len(short)]


def test_table_is_sound() -> None:
    """Lengths under one, unsorted arrivals or gaps between segments would break the engines."""
    workload = generate(small())
    assert len(workload) == 1000
    assert [(s.first, s.stop) for s in workload.segments] == [(0, 400), (400, 1000)]
    for segment in workload.segments:
        assert (np.diff(workload.arrival_s[segment.first : segment.stop]) >= 0).all()
    assert (workload.output_tokens <= workload.max_output_tokens).all()
    for name in COLUMNS[3:]:
        assert getattr(workload, name).min() >= (0 if name == "prompt_id" else 1)
        assert getattr(workload, name).dtype == np.int64


def test_capped_answers_always_reach_the_maximum() -> None:
    """lengths: capped is the published program's behaviour."""
    workload = generate(small("lengths=capped"))
    assert np.array_equal(workload.output_tokens, workload.max_output_tokens)


def test_template_prompts_count_their_own_words() -> None:
    """Words of a template prompt are known exactly and must not be estimated from tokens."""
    workload = generate(small())
    words = [len(workload.prompts[i].split()) for i in workload.prompt_id]
    assert workload.prompt_words.tolist() == words
    ratio = np.array([c.words_per_token for c in small().categories])[workload.category]
    assert np.array_equal(workload.prompt_tokens, np.maximum(1, np.rint(words / ratio)))


def test_prompt_and_answer_fit_the_context() -> None:
    """A longer answer would never fit into the engine; a prompt that fills it is rejected."""
    workload = generate(
        small(
            "cluster.context_tokens=300",
            "categories.3.prompt_tokens={kind: constant, tokens: 5000}",
            "categories.2.prompt_tokens={kind: constant, tokens: 250}",
        )
    )
    report, technical = workload.category == 3, workload.category == 2
    assert (workload.prompt_tokens + workload.max_output_tokens <= 300)[~report].all()
    assert set(workload.prompt_tokens[report]) == {5000}
    assert set(workload.prompt_tokens[technical]) == {250}
    assert workload.output_tokens[technical].max() == 50


def test_unused_and_renormalised_shares() -> None:
    """A category with share 0 must not appear; shares off by rounding must still cover all."""
    workload = generate(small("phases.1.mix={short_qa: 0.4996, summary: 0.4999}"))
    stress = workload.category[400:]
    assert set(stress) == {0, 1}


def test_phase_shares_replace_the_tenants_own() -> None:
    """The noisy neighbour's burst is written in the phase's shares."""
    workload = generate(small("phases.1.shares={batch: 1}"))
    assert set(workload.tenant[400:]) == {2}
    assert set(workload.tenant[:400]) == {0, 1, 2}


@pytest.mark.parametrize("senders", [1, 2])
def test_a_phase_of_tenants_with_their_own_arrivals_has_as_many_requests_as_it_says(
    senders: int,
) -> None:
    """One process alone was once drawn for long enough and not cut."""
    every = ["premium: {kind: poisson, rate_rps: 2}", "batch: {kind: poisson, rate_rps: 1}"]
    own = ", ".join(every[:senders])
    phase = f"{{name: a, requests: 100, tenant_arrivals: {{{own}}}, mix: {{report: 1}}}}"
    workload = generate(load_scenario("paper", [f"phases=[{phase}]"]))
    assert len(workload) == 100
    assert len(set(workload.tenant.tolist())) == senders


def test_no_request_at_all_is_refused() -> None:
    """An empty table would end in a division by zero far from its cause."""
    data: dict[str, Any] = json.loads(small().model_dump_json(by_alias=True))
    quiet = {"name": "quiet", "duration_s": 1, "mix": {"short_qa": 1}}
    quiet["arrivals"] = {"kind": "uniform", "low_s": 5, "high_s": 6}
    with pytest.raises(ScenarioError, match="at least 1 request, got 0"):
        generate(parse_scenario(data | {"phases": [quiet]}))
    both = parse_scenario(data | {"phases": [quiet, data["phases"][0]]})
    workload = generate(both)
    assert [(s.first, s.stop) for s in workload.segments] == [(0, 0), (0, 400)]


def test_too_many_requests_are_refused_before_they_are_drawn() -> None:
    """A duration typed with too many zeros must not eat the memory."""
    scenario = small(
        "phases.1.requests=null",
        "phases.1.duration_s=10000000",
        "phases.1.arrivals={kind: poisson, rate_rps: 1000}",
    )
    with pytest.raises(ScenarioError, match=r"phases\[1\] .* 20000000 requests at most"):
        generate(scenario)


def test_negative_seed_is_refused() -> None:
    """NumPy's own message would not name the parameter."""
    with pytest.raises(ScenarioError, match="seed must be >= 0, got -1"):
        generate(small(), seed=-1)


def test_extreme_lengths_stay_whole_numbers() -> None:
    """A draw beyond 64 bits would wrap to a negative length."""
    workload = generate(small("categories.0.output_tokens={kind: weibull, shape: 0.01, scale: 9}"))
    assert workload.output_tokens.min() >= 1


def test_offered_load_of_a_constant_server_is_exact() -> None:
    """One server, constant rate: saturation is 1/(tokens x seconds a token), rho = load."""
    constant = "{kind: constant, tokens: 50}"
    scenario = small(
        "cluster.cost={kind: constant, token_s: 0.002}",
        "engine={mode: continuous, batch_size: 1}",
        *(f"categories.{i}.output_tokens={constant}" for i in range(4)),
        "phases.0.arrivals={kind: poisson, rate_rps: 5}",
    )
    for mode in ("continuous", "gang"):
        engine = scenario.engine.model_copy(update={"mode": mode})
        load = offered_load(scenario.model_copy(update={"engine": engine})).phases[0]
        assert load.batch == 1
        assert load.saturation_rps == pytest.approx(10)
        assert load.rho == pytest.approx(0.5)
        assert load.output_tokens_s == pytest.approx(250)
