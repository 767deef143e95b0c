"""Each preset shows what its question asks: the answer is computed beside the alternative."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest

from driftsched.experiments.load import offered_load
from driftsched.results import energy_summary
from driftsched.scenario import Scenario, changed, from_yaml, load_scenario, to_yaml, with_policy
from driftsched.simulation import simulate


@cache
def _run(text: str) -> pd.DataFrame:
    return simulate(from_yaml(text)).requests


def run(scenario: Scenario) -> pd.DataFrame:
    return _run(to_yaml(scenario))


def preset(name: str, **fields: Any) -> Scenario:
    return changed(load_scenario(name), **fields)


def with_phase(scenario: Scenario, **fields: Any) -> Scenario:
    """The scenario with fields of its only phase replaced."""
    (phase,) = scenario.model_dump(by_alias=True)["phases"]
    return changed(scenario, phases=[phase | fields])


def quantile(requests: pd.DataFrame, q: float = 0.99, column: str = "ttft_s") -> float:
    return float(requests[column].quantile(q))


def test_noisy_neighbour_is_paid_for_by_all_under_fifo_alone() -> None:
    """If turns by weight did not protect the others, the preset would teach nothing."""
    noisy = load_scenario("noisy-neighbour")
    fifo, turns = run(noisy), run(with_policy(noisy, "weighted"))
    others = fifo["tenant"] != "crawler"
    assert quantile(turns[turns["tenant"] != "crawler"]) < 0.5 * quantile(fifo[others])


def test_bursty_tenant_ruins_the_others_p99() -> None:
    """As many requests, sent steadily, must leave the others alone; turns must do so too."""
    bursty = load_scenario("bursty-tenant")
    own = (bursty.phases[0].tenant_arrivals or {})["crawler"]
    calm = with_phase(
        bursty, tenant_arrivals={"crawler": {"kind": "poisson", "rate_rps": own.rate}}
    )

    def others(scenario: Scenario) -> float:
        requests = run(scenario)
        return quantile(requests[requests["tenant"] != "crawler"])

    assert offered_load(bursty).phases[0].rho == pytest.approx(0.65, abs=0.05)
    assert others(bursty) > 5 * others(calm)
    assert others(with_policy(bursty, "weighted")) < others(bursty) / 2


def test_crowd_makes_a_queue_that_outlasts_it() -> None:
    """Recovery is what the preset asks about: there must be something to recover from."""
    requests = run(load_scenario("flash-crowd"))
    after = requests[requests["phase"] == "calm_again"]
    first, last = after[after["arrival_s"] < 130], after[after["arrival_s"] > 310]
    assert quantile(first, 0.5) > 10 * quantile(last, 0.5)


def test_peak_of_the_day_waits_though_the_mean_has_room() -> None:
    """The same requests a day without the peak must hardly wait."""
    day = load_scenario("diurnal")
    arrivals: Any = day.phases[0].arrivals
    flat = with_phase(day, arrivals={"kind": "poisson", "rate_rps": arrivals.rate})
    requests = run(day)
    near = requests["arrival_s"].between(75, 225)
    assert offered_load(flat).phases[0].rho < 0.9
    assert quantile(requests[near], 0.5) > 10 * quantile(requests[~near], 0.5)
    assert quantile(requests) > 3 * quantile(run(flat))


def test_budgets_follow_a_new_model() -> None:
    """Right after the roll-out they are too small; a minute later only without correction."""

    def drift(scenario: Scenario, start_s: float, end_s: float) -> float:
        requests = run(scenario)
        mine = requests[requests["arrival_s"].between(start_s, end_s)]
        return float(mine["counted_output_tokens"].sum() / mine["estimated_output_tokens"].sum())

    learning = load_scenario("new-model")
    fixed = changed(learning, estimator__compensator={"kind": "none"})
    assert drift(learning, 0, 120) == pytest.approx(1, abs=0.1)
    assert drift(learning, 120, 150) > 1.15
    assert drift(learning, 200, 300) == pytest.approx(1, abs=0.1)
    assert drift(fixed, 200, 300) == pytest.approx(1.8, abs=0.1)


def test_outbreak_of_long_answers_is_waited_for_by_short_ones() -> None:
    """The chat's own answers stay as they are, so only the outbreak can make it wait."""
    sick = load_scenario("heavy-tail")
    requests, well = run(sick), run(changed(sick, drift=()))
    chat, before = requests["tenant"] == "chat", requests["arrival_s"] < 60
    during = requests["arrival_s"].between(60, 150)
    assert quantile(requests[chat & during]) > 5 * quantile(requests[chat & before])
    assert quantile(requests[chat]) > 3 * quantile(well[well["tenant"] == "chat"])


def test_burstiness_alone_costs_the_tail_of_code_traffic() -> None:
    """The same rate and lengths without bursts must leave the GPU nearly idle."""
    code = load_scenario("azure-code")
    arrivals: Any = code.phases[0].arrivals
    even = with_phase(code, arrivals={"kind": "gamma", "rate_rps": arrivals.rate_rps, "cv": 1.0})
    assert offered_load(code).phases[0].rho < 0.6
    assert quantile(run(code)) > 5 * quantile(run(even))


def test_code_traffic_is_prefill() -> None:
    """The trace's means are 2048 and 28 tokens; answers are cut, prompts cut at the context."""
    requests = run(load_scenario("azure-code"))
    assert requests["prompt_tokens"].mean() == pytest.approx(2048, rel=0.06)
    assert requests["output_tokens"].mean() == pytest.approx(24, rel=0.15)


def test_router_that_looks_at_queues_copes_with_unequal_gpus() -> None:
    """Round robin must drown the slow GPUs, which the others do not."""
    blind = load_scenario("mixed-gpus")
    for kind in ("least_outstanding", "least_estimated_tokens"):
        seeing = changed(blind, cluster__router={"kind": kind})
        assert quantile(run(seeing), 0.5, "e2e_s") < 0.2 * quantile(run(blind), 0.5, "e2e_s")


def test_eight_gpus_as_one_answer_faster() -> None:
    """Splitting the weights over twice as many GPUs must show in the time per token."""
    two = load_scenario("tensor-parallel")
    wide = {"cluster__tensor_parallel": 8, "cluster__replicas": 1}
    one = changed(two, **wide, engine__batch_size=2 * two.engine.batch_size)
    assert quantile(run(one), 0.5, "tpot_s") < 0.9 * quantile(run(two), 0.5, "tpot_s")


def test_turns_protect_small_clients_from_big_ones() -> None:
    """Under FIFO all wait alike for the three busiest; in turns they wait for themselves."""
    many = load_scenario("many-clients")
    big = sorted(many.tenants, key=lambda tenant: -tenant.share)[:3]
    names = [tenant.name for tenant in big]

    def p99(scenario: Scenario, of_big: bool) -> float:
        requests = run(scenario)
        return quantile(requests[requests["tenant"].isin(names) == of_big])

    turns = with_policy(many, "weighted")
    assert sum(tenant.share for tenant in big) > 0.5
    assert p99(many, of_big=False) > 0.8 * p99(many, of_big=True)
    assert p99(turns, of_big=False) < 0.2 * p99(many, of_big=False)
    assert p99(turns, of_big=True) > p99(many, of_big=True)


def test_chunks_keep_answers_flowing() -> None:
    """A prompt computed whole must stop the chats' answers; in chunks it must not."""
    chunked = load_scenario("chunked-prefill")
    whole = changed(chunked, engine__max_num_batched_tokens=None)

    def tpot(scenario: Scenario) -> float:
        requests = run(scenario)
        return quantile(requests[requests["category"] == "chat"], 0.99, "tpot_s")

    assert tpot(chunked) < 0.8 * tpot(whole)


def test_preemption_serves_more_than_reserved_room() -> None:
    """Memory must really run out, and the two ways must differ in what they cost."""
    paged = load_scenario("kv-pressure")
    held = changed(paged, engine__kv="reserve")
    assert run(paged)["preemptions"].sum() > 50
    assert run(held)["preemptions"].sum() == 0
    assert quantile(run(paged)) < 0.5 * quantile(run(held))
    assert quantile(run(paged), 0.99, "tpot_s") > 1.2 * quantile(run(held), 0.99, "tpot_s")


def corrected(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The preset's requests, and those without compensation."""
    fixed = preset(name, estimator__compensator={"kind": "none"})
    return run(load_scenario(name)), run(fixed)


def test_swapped_lengths_are_learnt_and_the_order_with_them() -> None:
    """After the swap budgets in the wrong order must cost the median, and compensation undo it."""
    learnt, fixed = corrected("swap-lengths")
    late = learnt["arrival_s"] > 270
    by_category = learnt[late].groupby("category", observed=True)["estimated_output_tokens"].mean()
    assert by_category["lookup"] > 2 * by_category["report"]
    assert quantile(learnt[late], 0.5, "e2e_s") < 0.8 * quantile(fixed[late], 0.5, "e2e_s")
    early = learnt["arrival_s"] < 200
    before = quantile(fixed[early], 0.5, "e2e_s")
    assert quantile(learnt[early], 0.5, "e2e_s") == pytest.approx(before, rel=0.1)


def test_unknown_lengths_are_learnt() -> None:
    """With one base for all only compensation can put the short ones first."""
    scenario = load_scenario("unknown-bases")
    assert len({category.base_tokens for category in scenario.categories}) == 1
    learnt, fixed = corrected("unknown-bases")
    short = [one[one["category"] == "short_qa"] for one in (learnt, fixed)]
    assert quantile(short[0], 0.95) < 0.6 * quantile(short[1], 0.95)


def test_one_tenants_drift_is_not_put_on_the_other() -> None:
    """Compensation by category must mix both up, or the preset would show nothing of tenants."""
    scenario = load_scenario("one-tenant-drifts")
    shared = changed(scenario, estimator__compensator={"kind": "ema"})
    found = []
    for one in (scenario, shared):
        requests = run(one)
        late = requests[(requests["arrival_s"] > 180) & (requests["tenant"] == "chat")]
        off = late["estimated_output_tokens"].sum() / late["counted_output_tokens"].sum()
        found.append((off, quantile(late, 0.95, "e2e_s")))
    assert found[0][0] == pytest.approx(1, abs=0.15)
    assert found[1][0] > 1.25
    assert found[0][1] < 0.8 * found[1][1]


def test_looking_ahead_begins_less_anew() -> None:
    """Memory must really run out, and who looks ahead must lose less work to it."""
    ahead = run(load_scenario("kv-unknown"))
    blind = run(preset("kv-unknown", engine__admit="first_fit"))
    assert blind["preemptions"].sum() > 300
    assert ahead["preemptions"].sum() < 0.3 * blind["preemptions"].sum()
    assert quantile(ahead, 0.95) < 0.7 * quantile(blind, 0.95)


def test_cached_prefix_makes_room_for_both_tenants() -> None:
    """Without the cache the GPU is beyond its capacity; the tenant without hits gains as well."""
    cached = load_scenario("prefix-caching")
    tenants = cached.model_dump(by_alias=True)["tenants"]
    tenants[0]["prefix_hit_rate"] = 0
    cold = run(changed(cached, tenants=tenants))
    for name in cached.tenant_names:
        warm = run(cached)
        assert quantile(warm[warm["tenant"] == name]) < 0.2 * quantile(cold[cold["tenant"] == name])


def test_batching_takes_much_of_the_published_gain() -> None:
    """SJF's gain at the tail must be smaller where requests join at every iteration."""

    def gain(name: str) -> float:
        fifo, sjf = (run(preset(name, policy={"kind": kind})) for kind in ("fifo", "sjf"))
        return 1 - quantile(sjf, 0.99, "e2e_s") / quantile(fifo, 0.99, "e2e_s")

    assert gain("paper") > 0
    assert gain("paper-continuous") < gain("paper")


def test_order_matters_little_for_conversations_below_capacity() -> None:
    """The preset asks about 0.8 of capacity: the median must not hang on the policy there."""
    fifo = run(load_scenario("azure-conversation"))
    sjf = run(preset("azure-conversation", policy={"kind": "sjf"}))
    change = quantile(sjf, 0.5, "e2e_s") / quantile(fifo, 0.5, "e2e_s")
    assert change == pytest.approx(1, abs=0.15)


def test_more_people_than_the_gpu_serves_only_wait_longer() -> None:
    """Up to the preset's number answers grow with the people; beyond it the wait does."""
    crowd = load_scenario("closed-loop")
    loop: Any = crowd.phases[0].arrivals

    def people(users: int) -> pd.DataFrame:
        return run(with_phase(crowd, arrivals=loop.model_dump() | {"users": users}))

    half, whole, double = (people(loop.users * n // 2) for n in (1, 2, 4))
    answers = [int((one["status"] == "finished").sum()) for one in (half, whole, double)]
    assert answers[1] > 1.6 * answers[0]
    assert answers[2] < 1.25 * answers[1]
    assert quantile(double, 0.5) > 5 * quantile(whole, 0.5)


def test_outage_is_felt_by_all_and_by_who_gives_up() -> None:
    """Without its events the preset must be calm: no retries, no long waits."""
    broken = load_scenario("replica-outage")
    requests, calm = run(broken), run(changed(broken, events=()))
    down = requests["arrival_s"].between(40, 120)
    assert quantile(requests[down & (requests["tenant"] != "batch")]) > 3 * quantile(calm)
    assert len(requests) > len(calm)
    assert (requests["status"] == "timed_out").sum() > (calm["status"] == "timed_out").sum()
    tenants = broken.model_dump(by_alias=True)["tenants"]
    once = run(changed(broken, tenants=[tenant | {"retries": {}} for tenant in tenants]))
    others = [one[one["tenant"] != "batch"] for one in (once, requests)]
    assert 2 * quantile(others[0], 0.5) < quantile(others[1], 0.5)


def test_autoscaler_helps_after_its_start_up_and_saves_beside_four_replicas() -> None:
    """New replicas that helped at once, or that were paid for all the time, would teach nothing."""
    scaled = load_scenario("autoscale")
    alone = changed(scaled, events=())
    four = changed(alone, cluster__replicas=4)
    with_it, without = run(scaled), run(alone)
    early = with_it["arrival_s"].between(120, 150)
    assert quantile(with_it[early], 0.5) > 10
    assert quantile(with_it) < 0.3 * quantile(without)
    assert quantile(run(four)) < 1
    dollars = [energy_summary(simulate(one))["total_cost"] or 0 for one in (alone, scaled, four)]
    assert 1.2 * dollars[0] < dollars[1] < 0.6 * dollars[2]
