"""Every registered policy keeps the same promises."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.gateway.queue import order_of
from driftsched.scenario import Scenario, Tenant
from driftsched.scheduling.policies import POLICIES, Policy, ScorePolicy
from driftsched.scheduling.policies.queues import PlannedQueue, TenantQueue
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate
from driftsched.simulation.compiled.fields import no_number
from tests.support.registered import SERVER, example
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

NAMES = list(POLICIES)
TIERS: tuple[Literal["premium", "standard", "batch"], ...] = ("premium", "standard", "batch")
TENANTS = [
    Tenant(name=tier, tier=tier, weight=weight, share=1 / 3)
    for tier, weight in zip(TIERS, (5, 3, 2), strict=True)
]
Row = tuple[int, float, int]  # tenant, gap, budget
rows = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.5, 40]), st.integers(1, 900)))


def build(name: str) -> Policy:
    policy: Policy = example(POLICIES[name]).build(TENANTS, lambda: SERVER)
    return policy


def requests_of(drawn: Sequence[Row]) -> list[Request]:
    made, now = [], 0.0
    for number, (tenant, gap, budget) in enumerate(drawn):
        now += gap
        request = Request(
            number, tenant, tenant + 1, 0, now, 10, budget, budget, 10, budget, 50, 50.0
        )
        request.estimated_output_tokens = budget
        request.total_token_budget = budget + 10
        made.append(request)
    return made


def served(policy: Policy, requests: Sequence[Request], now: float) -> list[int]:
    for request in requests:
        policy.push(request)
    return [policy.pop(now).request_id for _ in requests]


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_what_goes_in_comes_out_once(name: str, drawn: list[Row]) -> None:
    """A policy that loses or repeats a request would break conservation."""
    policy = build(name)
    assert len(policy) == 0
    requests = requests_of(drawn)
    for count, request in enumerate(requests, start=1):
        policy.push(request)
        assert len(policy) == count
    now = requests[-1].arrival_s if requests else 0.0
    out = []
    for left in reversed(range(len(requests))):
        out.append(policy.pop(now).request_id)
        assert len(policy) == left
    assert sorted(out) == list(range(len(requests)))


@pytest.mark.parametrize("name", NAMES)
def test_one_request_is_the_next_one(name: str) -> None:
    (only,) = requests_of([(1, 0.0, 30)])
    assert served(build(name), [only], 5.0) == [0]


@pytest.mark.parametrize("name", NAMES)
def test_equal_requests_leave_in_order_of_arrival_and_then_of_id(name: str) -> None:
    """Ties that are broken by chance, or by memory addresses, make runs that do not repeat."""
    together = requests_of([(1, 0.0, 30)] * 20)
    assert served(build(name), together, 0.0) == list(range(20))
    apart = requests_of([(1, 0.5, 30)] * 20)
    assert served(build(name), apart, 10.0) == list(range(20))


@pytest.mark.parametrize("name", NAMES)
@given(rows, st.randoms(use_true_random=False))
def test_the_same_pushes_and_pops_give_the_same_order(
    name: str, drawn: list[Row], chance: random.Random
) -> None:
    requests = requests_of(drawn)
    pops = [chance.randrange(3) for _ in requests]

    def play() -> list[int]:
        policy, out = build(name), []
        for request, wanted in zip(requests, pops, strict=True):
            policy.push(request)
            out += [
                policy.pop(request.arrival_s).request_id for _ in range(min(wanted, len(policy)))
            ]
        return out

    assert play() == play()


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_order_sorts_one_tenants_requests_as_pop_does(name: str, drawn: list[Row]) -> None:
    """`order` puts back what a running limit held: another order would let requests overtake."""
    mine = requests_of([(1, gap, budget) for _, gap, budget in drawn])
    policy = build(name)
    if isinstance(policy, PlannedQueue):
        return  # a plan for all puts off some of them
    now = mine[-1].arrival_s if mine else 0.0
    order = order_of(policy)
    keys = [(order(request, now), request.arrival_s, request.request_id) for request in mine]
    assert served(policy, mine, now) == [key[2] for key in sorted(keys)]


@pytest.mark.parametrize("name", NAMES)
@given(rows, st.randoms(use_true_random=False))
def test_a_tenants_score_moves_only_where_the_policy_says_so(
    name: str, drawn: list[Row], chance: random.Random
) -> None:
    """The compiled engine keeps scores of tenants that it is told nothing of."""
    queue = build(name)
    if not isinstance(queue, TenantQueue) or queue.spec.rescored:
        return

    def scores() -> list[float]:
        return [queue.spec.score(one, queue.record, queue.spec) for one in queue.tenants]

    for request in requests_of(drawn):
        before = scores()
        queue.push(request)
        concerned = {request.tenant}
        if chance.random() < 0.5:
            concerned.add(queue.pop(request.arrival_s).tenant)
        moved = {n for n, (was, now) in enumerate(zip(before, scores(), strict=True)) if was != now}
        assert moved <= concerned


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_pickle_and_json_and_are_described(name: str) -> None:
    """Parameters go to worker processes, into files and into the editor's help."""
    spec = example(POLICIES[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert POLICIES[name].model_validate_json(spec.model_dump_json()) == spec
    schema = POLICIES[name].model_json_schema()
    assert schema["properties"]["kind"]["const"] == name == spec.kind
    for field, described in schema["properties"].items():
        assert field == "kind" or described.get("description"), field


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_says_its_rule_and_its_cost(name: str) -> None:
    kind = POLICIES[name]
    words = kind.__doc__ or ""
    assert "Rule:" in words
    assert "O(" in words
    assert kind.label
    assert kind.rule
    assert kind.source


@pytest.mark.parametrize("name", NAMES)
@given(rows, st.floats(0, 1e6))
def test_a_score_moves_only_where_the_policy_says_so(
    name: str, drawn: list[Row], later_s: float
) -> None:
    """One that is taken once would otherwise not be what the policy wants when it chooses."""
    spec = example(POLICIES[name])
    if isinstance(spec, ScorePolicy) and not spec.rescored:
        for request in requests_of(drawn):
            then = spec.score(request, spec, request.arrival_s + later_s)
            now = spec.score(request, spec, request.arrival_s)
            assert now == then, "a score that moves with time needs rescored = True"


@pytest.mark.parametrize("name", NAMES)
@given(rows)
def test_the_future_changes_no_score(name: str, drawn: list[Row]) -> None:
    """A policy that reads the answer's length is an oracle, and wins what nobody can win."""

    def played(lengths: int) -> list[int]:
        requests = requests_of(drawn)
        for request in requests:
            request.output_tokens = request.output_length = lengths
        return served(build(name), requests, requests[-1].arrival_s if requests else 0.0)

    assert played(1) == played(700)


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_are_numbers_or_it_says_why_not(name: str) -> None:
    """The compiled engine keeps parameters in a record of numbers."""
    spec = example(POLICIES[name])
    assert spec.simpy_only or not no_number(spec)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("name", NAMES)
def test_both_engines_give_the_same_tables(name: str, mode: str) -> None:
    """Otherwise what it does would depend on which engine happened to run."""
    if not POLICIES[name].simpy_only:
        assert_engines_agree(limited(name, mode))


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("name", NAMES)
def test_runs_conserve_requests_and_repeat(name: str, mode: str) -> None:
    scenario = limited(name, mode)
    result = simulate(scenario)
    ends = result.requests["status"].value_counts()
    assert ends.sum() == 200
    assert ends["finished"] > 0
    assert ends["rejected"] > 0, "the limits must bite for this to say anything"
    assert set(ends[ends > 0].index) <= {"finished", "rejected"}
    assert result.requests.equals(simulate(scenario).requests)


def limited(name: str, mode: str) -> Scenario:
    tenants = small().model_dump(mode="json")["tenants"]
    tenants[0]["limits"] = {"running": 1, "waiting": 1}
    return small(
        tenants=tenants, policy={"kind": name}, engine={"mode": mode, "batch_size": 3}, seed=4
    )
