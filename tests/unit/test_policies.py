"""Policies, rule by rule: the five of DriftSched (arXiv 2606.02982) and further ones."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import permutations
from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from driftsched.scenario import Tenant
from driftsched.scheduling.policies import POLICIES, Policy
from driftsched.scheduling.policies.goodput import MARGIN, SLACK
from driftsched.scheduling.policies.tail import TailConfig
from driftsched.scheduling.policies.weighted import turns
from driftsched.scheduling.request import Request
from driftsched.scheduling.server import Server
from tests.support.registered import SERVER

PREMIUM, STANDARD, BATCH = range(3)
TENANTS = [
    Tenant(name="premium", tier="premium", weight=5, share=0.4),
    Tenant(name="standard", tier="standard", weight=3, share=0.3),
    Tenant(name="batch", tier="batch", weight=2, share=0.3),
]


def policy(kind: str, server: Server = SERVER, **parameters: float) -> Policy:
    return POLICIES[kind].model_validate({"kind": kind} | parameters).build(TENANTS, lambda: server)


def request(number: int, tenant: int, arrival_s: float = 0.0, budget: int = 100) -> Request:
    rank = TENANTS[tenant].rank
    made = Request(number, tenant, rank, 0, arrival_s, 10, 50, 50, 10, 50, 50, 50.0)
    made.total_token_budget = budget
    made.estimated_mean_tokens = budget - 10
    return made


def order(chosen: Policy, requests: Iterable[Request], now: float = 0.0) -> list[int]:
    waiting = list(requests)
    for one in waiting:
        chosen.push(one)
    return [chosen.pop(now).request_id for _ in waiting]


def test_fifo_takes_the_globally_oldest_whatever_its_tier_or_size() -> None:
    mixed = [request(0, BATCH, 0.0, 900), request(1, PREMIUM, 1.0, 1), request(2, STANDARD, 2.0)]
    assert order(policy("fifo"), mixed, 2.0) == [0, 1, 2]


def test_priority_is_strict_by_tier_and_fifo_inside() -> None:
    mixed = [
        request(0, BATCH, 0),
        request(1, STANDARD, 1),
        request(2, BATCH, 2),
        request(3, PREMIUM, 900),
        request(4, STANDARD, 901),
        request(5, PREMIUM, 902),
    ]
    assert order(policy("priority"), mixed, 902) == [3, 5, 1, 4, 0, 2]


def test_weighted_turns_are_five_three_two() -> None:
    many = [request(n, n % 3, float(n)) for n in range(60)]
    tenants = [many[n].tenant for n in order(policy("weighted"), many, 60)]
    cycle = [PREMIUM] * 5 + [STANDARD] * 3 + [BATCH] * 2
    assert tenants[:40] == cycle * 4


def test_weighted_is_fifo_inside_a_tenant() -> None:
    many = [request(n, n % 3, float(n)) for n in range(60)]
    out = order(policy("weighted"), many, 60)
    for tenant in (PREMIUM, STANDARD, BATCH):
        mine = [n for n in out if many[n].tenant == tenant]
        assert mine == sorted(mine)


def test_weighted_passes_an_empty_turn_to_the_next() -> None:
    """Nothing may wait while the engine has room, because it is an absent tenant's turn."""
    some = [request(n, STANDARD if n % 2 else BATCH, float(n)) for n in range(20)]
    tenants = [some[n].tenant for n in order(policy("weighted"), some, 20)]
    assert tenants[:10] == ([STANDARD] * 3 + [BATCH] * 2) * 2
    assert order(policy("weighted"), [request(n, BATCH) for n in range(7)]) == list(range(7))


def test_weights_that_are_no_whole_numbers_become_turns() -> None:
    assert turns([2.5, 1]) == [5, 2]
    assert turns([0.01, 1]) == [1, 10], "every tenant has a turn"


def test_sjf_takes_the_least_total_budget_as_estimated_at_arrival() -> None:
    jobs = [request(0, BATCH, 0, 300), request(1, PREMIUM, 1, 200), request(2, BATCH, 2, 100)]
    assert order(policy("sjf"), jobs, 2) == [2, 1, 0]


def test_sjf_never_estimates_again() -> None:
    """The published rule keeps the estimate made at arrival, also when the bias has moved."""
    chosen = policy("sjf")
    early, late = request(0, BATCH, 0, 300), request(1, BATCH, 1, 200)
    chosen.push(early)
    chosen.push(late)
    early.total_token_budget = 1
    assert chosen.pop(5).request_id == 1


@pytest.mark.parametrize(("lead_s", "first"), [(99.9, "premium"), (100.1, "standard")])
def test_aging_passes_one_tier_after_a_hundred_seconds(lead_s: float, first: str) -> None:
    """Score = rank - 0.01 * wait: a standard request overtakes once it waited 100 s longer."""
    pair = [request(0, STANDARD, 0.0), request(1, PREMIUM, lead_s)]
    winner = order(policy("aging"), pair, 500.0)[0]
    assert TENANTS[pair[winner].tenant].name == first


def test_aging_passes_two_tiers_after_two_hundred_seconds() -> None:
    pair = [request(0, BATCH, 0.0), request(1, PREMIUM, 199.0)]
    assert order(policy("aging"), pair, 500) == [1, 0]
    pair = [request(0, BATCH, 0.0), request(1, PREMIUM, 201.0)]
    assert order(policy("aging"), pair, 500) == [0, 1]


def test_aging_under_a_short_burst_is_strict_priority() -> None:
    burst = [request(n, (n * 7) % 3, n * 0.5) for n in range(70)]  # 35 s
    assert order(policy("aging"), burst, 35) == order(policy("priority"), burst, 35)


def test_aging_by_its_own_rate() -> None:
    pair = [request(0, BATCH, 0.0), request(1, PREMIUM, 3.0)]
    assert order(policy("aging", rate=1.0), pair, 9) == [0, 1]
    assert order(policy("aging", rate=0.0), pair, 1e6) == [1, 0]


def test_hrrn_serves_the_highest_ratio_of_waiting_to_size() -> None:
    """A short one goes first until a long one has waited as many times its size."""
    long, short = request(0, PREMIUM, 0.0, 400), request(1, BATCH, 90.0, 40)
    assert order(policy("hrrn"), [long, short], 95.0) == [0, 1]  # 95/400 against 5/40
    assert order(policy("hrrn"), [long, short], 110.0) == [1, 0]  # 110/400 against 20/40


def test_hrrn_lets_nobody_starve() -> None:
    """Under SJF a stream of short ones would keep the long one waiting for ever."""
    chosen = policy("hrrn")
    chosen.push(request(0, BATCH, 0.0, 900))
    for number in range(1, 200):
        chosen.push(request(number, PREMIUM, float(number), 30))
        if chosen.pop(float(number) + 0.5).request_id == 0:
            break
    assert number < 40


def served(number: int, prompt: int, given: int, arrival_s: float = 0.0) -> Request:
    """A request that was interrupted after some tokens."""
    one = request(number, STANDARD, arrival_s)
    one.prompt_tokens, one.generated_tokens = prompt, given
    return one


def test_mlfq_lets_a_long_prompt_skip_levels_and_a_long_answer_sink() -> None:
    """FastServe's rule; inside a level the oldest goes first."""
    levels = policy("mlfq", quantum=10, prompt_share=0.1)
    some = [
        served(0, 10, 25),  # 26 tokens of service: 10, 20, 40
        served(1, 210, 0),  # 21: the same level without a token given
        served(2, 150, 0),  # 15: one level less
        served(3, 20, 0, 5.0),
        served(4, 90, 0, 4.0),
    ]
    assert order(levels, some, 6.0) == [4, 3, 2, 0, 1]


@given(st.lists(st.integers(1, 900), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_mlfq_knows_nothing_of_lengths(budgets: list[int], chance: random.Random) -> None:
    """It needs no estimate: with any other ones the order is the same."""

    def played(estimates: list[int]) -> list[int]:
        some = [served(n, 30 * n, 7 * n) for n in range(len(estimates))]
        for one, estimate in zip(some, estimates, strict=True):
            one.estimated_output_tokens = one.total_token_budget = estimate
        return order(policy("mlfq"), some)

    assert played(budgets) == played(chance.sample(budgets, len(budgets)))


def test_mlfq_brings_back_to_the_top_who_has_waited() -> None:
    """Else short ones would keep a long answer waiting for ever."""
    some = [served(0, 10, 500), served(1, 10, 0, 50.0)]
    assert order(policy("mlfq", promote_s=60), some, 59.0) == [1, 0]
    assert order(policy("mlfq", promote_s=60), some, 60.0) == [0, 1]


def guessed(number: int, estimate: int, most: int, arrival_s: float = 0.0) -> Request:
    """A request of so many tokens by estimate, and so many at most."""
    one = request(number, STANDARD, arrival_s)
    one.estimated_output_tokens, one.max_output_tokens = estimate, most
    return one


@given(st.integers(1, 900), st.integers(1, 3000), st.floats(0.1, 1.5), st.floats(0, 1))
def test_tail_aware_size_is_the_mean_and_the_mean_of_the_longest_tenth(
    estimate: int, most: int, spread: float, weight: float
) -> None:
    """Against the distribution itself, cut at the most, in a hundred thousand quantiles."""
    shares = (np.arange(100_000) + 0.5) / 100_000
    lengths = np.minimum(estimate * np.exp(spread * norm.ppf(shares)), most)
    wanted = lengths.mean() + weight * lengths[90_000:].mean()
    spec = TailConfig(tail_weight=weight, spread=spread)
    score = spec.score(guessed(0, estimate, most), spec, 0.0)
    assert exp(score) == pytest.approx(wanted, rel=2e-3)


def test_tail_aware_size_counts_what_may_become_long() -> None:
    """Of two equal estimates the one that is soon cut goes first; of two equal means likewise."""
    assert order(policy("tail"), [guessed(0, 200, 2000), guessed(1, 200, 250)]) == [1, 0]
    alike = [guessed(0, 100, 4000), guessed(1, 135, 160)]
    assert order(policy("tail", tail_weight=0), alike) == [1, 0]
    longer = [guessed(0, 100, 4000), guessed(1, 200, 200)]
    assert order(policy("tail", tail_weight=0), longer) == [0, 1]
    assert order(policy("tail", tail_weight=2), longer) == [1, 0]


def test_tail_aware_size_lets_nobody_starve() -> None:
    """A score loses a tenth in thirty seconds: ten times as long is passed for eleven minutes."""
    long, short = guessed(0, 500, 10**6), guessed(1, 50, 10**6, 600.0)
    assert order(policy("tail"), [long, short], 600.0) == [1, 0]
    assert order(policy("tail"), [long, guessed(1, 50, 10**6, 700.0)], 700.0) == [0, 1]


JOBS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 20)), min_size=1, max_size=5)
"""Seconds that a request takes alone, and within how many it is wanted."""


@given(JOBS)
def test_edf_meets_all_deadlines_where_any_order_does(jobs: list[tuple[int, int]]) -> None:
    """Jackson (1955), for one server and requests that have all come."""
    chosen = policy("edf")
    for number, (_, wanted) in enumerate(jobs):
        one = request(number, STANDARD)
        one.ttft_slo_s = wanted
        chosen.push(one)
    now, missed = 0, False
    for _ in jobs:
        takes, wanted = jobs[chosen.pop(now).request_id]
        now += takes
        missed |= now > wanted
    feasible = any(
        all(sum(takes for takes, _ in some[: n + 1]) <= some[n][1] for n in range(len(some)))
        for some in permutations(jobs)
    )
    assert missed == (not feasible)


def test_edf_puts_those_last_who_have_missed_it() -> None:
    """Else one miss under overload becomes everybody's."""
    late, early, without = request(0, BATCH, 0.0), request(1, BATCH, 5.0), request(2, BATCH, 0.0)
    late.ttft_slo_s, early.ttft_slo_s = 3.0, 10.0
    assert order(policy("edf"), [late, early, without], 2.0) == [0, 1, 2]
    assert order(policy("edf"), [late, early, without], 4.0) == [1, 2, 0]


ALONE = Server(prompt_s=0, token_s=1, seats=1, kv_tokens=1e9)
"""One request at a time, a second a token."""


def due(number: int, takes_s: int, wanted_s: float, tenant: int = STANDARD) -> Request:
    """A request that keeps its objective if it is done by `wanted_s`, and not a second later."""
    one = request(number, tenant)
    one.estimated_output_tokens, one.weight = takes_s, TENANTS[tenant].weight
    one.e2e_slo_s = (wanted_s + 0.5 - takes_s + SLACK * takes_s) / MARGIN
    return one


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40)), min_size=8, max_size=10))
def test_goodput_keeps_as_many_objectives_as_can_be_kept(jobs: list[tuple[int, int]]) -> None:
    """Moore (1968), for one server, equal weights and requests that have all come."""
    chosen = policy("goodput", ALONE)
    for number, (takes, wanted) in enumerate(jobs):
        chosen.push(due(number, takes, wanted))
    now = kept = 0
    for _ in jobs:
        takes, wanted = jobs[chosen.pop(now).request_id]
        now += takes
        kept += now <= wanted
    most = {0: 0}  # seconds of work -> most jobs in time, taken or not in order of their deadlines
    for takes, wanted in sorted(jobs, key=lambda job: job[1]):
        for work, count in list(most.items()):
            if work + takes <= wanted:
                most[work + takes] = max(most.get(work + takes, 0), count + 1)
    assert kept == max(most.values())


def test_goodput_puts_off_who_is_worth_least_for_the_work() -> None:
    """A premium answer weighs 5, a batch answer 2; there is time for seven of the eight."""
    jobs = [due(n, 10, 70, PREMIUM) for n in range(7)] + [due(7, 10, 70, BATCH)]
    assert order(policy("goodput", ALONE), jobs)[-1] == 7
    jobs = [due(n, 10, 70, PREMIUM) for n in range(7)] + [due(7, 1, 70, BATCH)]
    assert order(policy("goodput", ALONE), jobs)[-1] != 7, "2 for a second, 5 for ten"


def test_goodput_serves_in_the_end_whom_it_cannot_serve_in_time() -> None:
    """Others who can be served in time come for ever; one choice in `turns` is not theirs."""
    chosen = policy("goodput", ALONE, turns=20)
    chosen.push(due(0, 500, 200, BATCH))
    for number in range(1, 200):
        one = due(number, 1, number + 30)
        one.arrival_s = float(number)
        chosen.push(one)
        if chosen.pop(float(number)).request_id == 0:
            break
    assert number == 20


def test_a_clients_timeout_is_a_deadline_where_it_is_sooner_than_the_objective() -> None:
    """Else Goodput puts off for minutes who hangs up after seconds."""
    objectives = {"slo": {"ttft_s": 5, "e2e_s": 300}}
    patience = {"patience": {"first_token_timeout_s": 8, "timeout_s": 30}}

    def within_s(*parts: dict[str, dict[str, int]]) -> list[float]:
        fields = {key: value for part in parts for key, value in part.items()}
        return list(Tenant.model_validate({"name": "t", "share": 1} | fields).within_s)

    assert within_s(objectives) == [5, 300]
    assert within_s(objectives, patience) == [5, 30]
    assert within_s(patience) == [8, 30]
    assert within_s() == [inf, inf]


@given(
    st.lists(st.integers(1, 400), min_size=60, max_size=60),
    st.integers(1, 59),
    st.sampled_from([50.0, 500.0, 5000.0]),
)
def test_drr_keeps_its_bound_while_both_wait(budgets: list[int], mine: int, quantum: float) -> None:
    """What two tenants got differs by less than a quantum and a longest request of each."""
    chosen = policy("drr", quantum=quantum)
    for number, budget in enumerate(budgets):
        chosen.push(request(number, PREMIUM if number < mine else BATCH, 0.0, budget))
    got, left = {PREMIUM: 0.0, BATCH: 0.0}, {PREMIUM: mine, BATCH: len(budgets) - mine}
    weights = {one: TENANTS[one].weight for one in got}
    bound = quantum + sum(max(budgets) / weight for weight in weights.values())
    while min(left.values()) > 0:
        one = chosen.pop(0.0)
        got[one.tenant] += one.total_token_budget / weights[one.tenant]
        left[one.tenant] -= 1
        assert abs(got[PREMIUM] - got[BATCH]) < bound


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 50)), min_size=1, max_size=5))
def test_cmu_has_the_least_cost_of_waiting(jobs: list[tuple[int, int]]) -> None:
    """Smith (1956): a premium second costs 4, a standard one 2, a batch one 1."""

    def cost(some: Iterable[tuple[int, int]]) -> int:
        now, total = 0, 0
        for tenant, takes in some:
            now += takes
            total += now * (4, 2, 1)[tenant]
        return total

    waiting = [request(n, tenant, 0.0, takes) for n, (tenant, takes) in enumerate(jobs)]
    mine = [jobs[n] for n in order(policy("cmu", rate=0), waiting)]
    assert cost(mine) == min(map(cost, permutations(jobs)))


def test_cmu_lets_nobody_starve() -> None:
    """A long request of the lowest tier passes short premium ones that come later and later."""
    long, short = request(0, BATCH, 0.0, 2000), request(1, PREMIUM, 100.0, 2000)
    assert order(policy("cmu"), [long, short], 100.0) == [0, 1]
    assert order(policy("cmu"), [long, request(1, PREMIUM, 10.0, 2000)], 10.0) == [1, 0]


def test_vtc_lifts_a_tenant_that_comes_back() -> None:
    """Else it would be served alone until it had caught up with all the time it was away."""
    chosen = policy("vtc")
    for number in range(40):
        chosen.push(request(number, PREMIUM))
    for _ in range(20):
        chosen.pop(0.0)
    for number in range(40, 60):
        chosen.push(request(number, BATCH))
    assert [chosen.pop(0.0).tenant for _ in range(6)] == [PREMIUM, BATCH] * 3
