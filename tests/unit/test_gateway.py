"""The gateway: budgets, admission limits, running limits, learning; its time is an argument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from driftsched.core.mechanism import State
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.gateway.gateway import Gateway
from driftsched.scheduling.policies.drr import DrrConfig
from driftsched.scheduling.policies.sjf import SjfConfig
from driftsched.scheduling.request import Request
from tests.support.scenarios import small


def gateway(
    limits: dict[str, Any] | None = None, kv_capacity: int | None = None, **changes: Any
) -> Gateway:
    tenants = small().model_dump(mode="json")["tenants"]
    tenants[0]["limits"] = limits or {}
    return Gateway(small(tenants=tenants, **changes), None, kv_capacity)


def request(number: int, tenant: int = 0, *, now: float = 0.0, actual: int = 60) -> Request:
    """Base 40, safety 1.2 and an input factor of 1.25: a prior of 60 tokens; the prompt has 250."""
    return Request(number, tenant, 1, 0, now, 250, actual, 100, 250, actual, 40, 60.0)


def test_budget_is_base_times_bias_times_safety_times_input_factor() -> None:
    gate = gateway()
    one = request(0)
    assert gate.submit(one, 0.0)
    assert (one.bias, one.estimated_output_tokens, one.total_token_budget) == (1.0, 60, 310)


def test_ema_moves_a_tenth_of_the_way_and_clips() -> None:
    """bias <- 0.9 bias + 0.1 clip(actual / base, 0.25, 3), per category, from 1."""
    gate = gateway(estimator={"compensator": {"kind": "ema"}})
    bias = 1.0
    for number, actual in enumerate([20, 60, 4, 400]):
        one = request(number, actual=actual)
        gate.submit(one, 0.0)
        assert one.bias == pytest.approx(bias, rel=1e-12)
        assert one.estimated_output_tokens == int(60 * bias)
        gate.finish(gate.next(0.0) or one, 1.0)
        bias = 0.9 * bias + 0.1 * min(max(actual / 40, 0.25), 3.0)
        time_s, learnt_from, learnt = gate.learning[-1]
        assert (time_s, learnt_from) == (1.0, number)
        assert learnt == pytest.approx(bias, rel=1e-12)


def test_log_ema_learns_the_geometric_mean() -> None:
    """level <- 0.9 level + 0.1 ln(actual / base), bias = exp(level): ×2 and ÷2 cancel out."""
    gate = gateway(estimator={"compensator": {"kind": "log_ema"}})
    level = 0.0
    for number, actual in enumerate([80, 20, 4, 400]):
        one = request(number, actual=actual)
        gate.submit(one, 0.0)
        assert one.bias == pytest.approx(math.exp(level), rel=1e-12)
        gate.finish(gate.next(0.0) or one, 1.0)
        level = 0.9 * level + 0.1 * math.log(actual / 40)
        assert gate.learning[-1][2] == pytest.approx(math.exp(level), rel=1e-12)


def test_the_ema_inside_its_feedback_drops_safety_and_input_factor() -> None:
    """Budget = base · bias: the safety factor stays out of what is multiplied."""
    gate = gateway(estimator={"compensator": {"kind": "ema", "inside": True}})
    one = request(0)
    gate.submit(one, 0.0)
    assert one.estimated_output_tokens == 40


def test_a_quantile_steps_up_by_its_share_and_down_by_the_rest() -> None:
    """level <- level + step · size · (share − [ln ratio <= level]); size the usual distance."""
    gate = gateway(estimator={"compensator": {"kind": "quantile", "share": 0.9, "step": 0.2}})
    level, size = 0.0, 0.3
    for number, actual in enumerate([80, 20, 4, 400]):
        one = request(number, actual=actual)
        gate.submit(one, 0.0)
        assert one.bias == pytest.approx(math.exp(level), rel=1e-12)
        gate.finish(gate.next(0.0) or one, 1.0)
        error, seen = math.log(actual / 40) - level, number + 1
        size += max(0.02, 1 / seen) * (min(abs(error), 5.0) - size)
        level += max(0.2, 1 / seen) * size * (0.9 if error > 0 else -0.1)


def test_levels_share_out_an_error_by_what_is_not_known_of_them() -> None:
    """The first answer, twice its base: Kalman gains of the prior variances over their sum."""
    gate = gateway(estimator={"compensator": {"kind": "hierarchical"}})
    one = request(0, actual=80)
    gate.submit(one, 0.0)
    assert one.estimated_output_tokens == 40
    gate.finish(gate.next(0.0) or one, 1.0)
    states = gate.compensator.levels[0][0]
    total = 0.35 + 0.25 + 0.16 + 0.06 + 0.01
    # The slope's part is 0: before the first prompt there is no centre to be off.
    expected = [part / total * math.log(2) for part in (0.25, 0.16, 0.06, 0.01)]
    assert [state.level for state in states] == pytest.approx(expected, rel=1e-12)
    other = gate.compensator.levels[1][0]
    assert other.all is states.all
    assert other.category is states.category
    assert (other.tenant.level, other.pair.level) == (0, 0)


def test_a_windowed_median_forgets_what_is_older() -> None:
    """Of the last three: none, 2, between 2 and .5, 2 again, then of .5, 4 and 8."""
    gate = gateway(estimator={"compensator": {"kind": "windowed_median", "window": 3}})
    found = []
    for number, actual in enumerate([80, 20, 160, 320, 0]):
        one = request(number, actual=max(actual, 1))
        gate.submit(one, 0.0)
        found.append((60 / 40 * one.bias, one.estimated_mean_tokens))
        gate.finish(gate.next(0.0) or one, 1.0)
    assert [bias for bias, _ in found] == pytest.approx([1, 2, 1, 2, 4], rel=1e-12)
    assert [mean for _, mean in found] == [40, 80, 50, 86, 166], "the mean of the same three"


def test_a_conformal_bound_is_an_answer_seen_and_rises_when_it_is_missed() -> None:
    """The ceil((1 - α)(n + 1))-th of those seen; α falls by half a step at a miss, else rises."""
    rule = {"kind": "conformal", "share": 0.5, "step": 0.2, "window": 3}
    gate = gateway(estimator={"compensator": rule})
    found = []
    for number, actual in enumerate([80, 20, 160, 40, 40, 40]):
        one = request(number, actual=actual)
        gate.submit(one, 0.0)
        found.append(60 / 40 * one.bias)
        gate.finish(gate.next(0.0) or one, 1.0)
    # 80 is a miss: .6 of one. 20 is none: .5 of two. 160: .6 of three. Then the second of three.
    assert found == pytest.approx([1, 2, 2, 4, 1, 1], rel=1e-12)


def test_a_kalman_filter_moves_by_its_share_of_what_is_not_known() -> None:
    gate = gateway(estimator={"compensator": {"kind": "kalman"}})
    one = request(0, actual=80)
    gate.submit(one, 0.0)
    assert one.estimated_mean_tokens == one.estimated_output_tokens == 40
    gate.finish(gate.next(0.0) or one, 1.0)
    mine, spread = gate.compensator.levels[0][0].category, 0.5 + 1e-3 * 0.35
    gain = spread / (spread + 0.35)
    assert mine.level == pytest.approx(gain * math.log(2), rel=1e-12)
    assert mine.spread == pytest.approx((1 - gain) * spread, rel=1e-12)
    explained = math.log(2) ** 2 * 0.35 / (spread + 0.35)
    assert mine.noise == pytest.approx(0.35 + (explained - 0.35) / 11, rel=1e-12)
    other = request(1)
    gate.submit(other, 1.0)
    mean = 40 * math.exp(mine.level) * (2 + 10) / (1 + 10)
    assert other.estimated_mean_tokens == int(mean), "answers so far are twelve for eleven typical"
    assert other.estimated_output_tokens == int(40 * math.exp(mine.level))


def test_recursive_least_squares_are_the_least_squares() -> None:
    """With nothing forgotten: ridge regression by the prior variances, 1.5 and .1."""
    rule = {"kind": "rls", "forgetting": 1.0}
    spec = COMPENSATORS["rls"].model_validate(rule)
    compensator, rng = spec.build(1, 1), np.random.default_rng(3)
    prompts, ratios = rng.integers(1, 2000, 30), rng.lognormal(0.3, 0.5, 30)
    for number, (prompt, ratio) in enumerate(zip(prompts.tolist(), ratios.tolist(), strict=True)):
        one = Request(number, 0, 1, 0, 0.0, prompt, 1, 1, prompt, 1, 40, 40.0)
        compensator.learn_one(one, ratio)
    design = np.column_stack([np.ones(30), np.log(prompts) - 5])
    normal = design.T @ design + np.diag([1 / 1.5, 1 / 0.1])
    expected = np.linalg.solve(normal, design.T @ np.log(ratios))
    mine = compensator.levels[0][0].pair
    assert [mine.level, mine.slope] == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.parametrize("kind", sorted(set(COMPENSATORS) - {"none", "oracle"}))
def test_an_answer_cut_below_its_estimate_teaches_nothing(kind: str) -> None:
    """That it would have been longer than 20 is no news where 40 are expected; than 50, it is."""
    spec = COMPENSATORS[kind].model_validate({"kind": kind})
    for answer, most, news in ((20, 20, False), (20, 21, True), (50, 50, True)):
        compensator = spec.build(1, 1, censoring=True)
        one = Request(0, 0, 1, 0, 0.0, 10, answer, most, 10, answer, 40, 40.0)
        one.bias = compensator.predict_one(one)
        assert compensator.length(one, one.bias) == min(40, most)
        one.estimated_output_tokens = min(40, most)
        before = [vars(state).copy() for state in compensator.levels[0][0]]
        compensator.learn_one(one, answer / 40)
        after = [vars(state) for state in compensator.levels[0][0]]
        assert (after != before) == news, (answer, most)


def test_fixed_share_trusts_whoever_missed_least() -> None:
    spec = COMPENSATORS["fixed_share"].model_validate({"kind": "fixed_share"})
    compensator, one = spec.build(1, 1), request(0)
    for _ in range(300):
        compensator.learn_one(one, 1.0)
    compensator.learn_one(one, 8.0)
    mine: Any = compensator.levels[0][0].category
    assert sum(mine.trusts) == pytest.approx(1, rel=1e-12)
    for _ in range(12):
        compensator.learn_one(one, 8.0)
    assert mine.trusts[0] == max(mine.trusts), "after a step the fastest is the best"
    assert mine.levels[0] == pytest.approx(math.log(8) * (1 - 0.6**13), rel=1e-9)


def test_an_alarm_makes_a_category_begin_anew_and_no_other() -> None:
    """The state of the category and of its pairs; what is known of tenants and all stays."""
    detector = {"kind": "cusum", "wait": 0, "threshold": 2.0}
    spec = {"compensator": {"kind": "hierarchical"}, "detector": detector}
    gate = gateway(estimator=spec)
    states, before = gate.compensator.levels[0][0], 0.0
    for number in range(3):
        one = request(number, actual=4000)
        gate.submit(one, 0.0)
        before = states.category.seen
        gate.finish(gate.next(0.0) or one, 1.0)
        if states.category.seen <= before:
            break
    assert before > 0
    assert states.category.seen == 1, "only the answer of the alarm is known"
    assert states.all.level > 0
    assert gate.compensator.detectors[0].drift_detected


def test_sums_read_the_mean_and_order_the_typical_length() -> None:
    """A router that adds up medians of skewed lengths thinks replicas emptier than they are."""
    rng = np.random.default_rng(1)
    gate = gateway(estimator={"compensator": {"kind": "kalman"}})
    for number, length in enumerate(rng.lognormal(4, 1, 400)):
        one = request(number, actual=max(1, int(length)))
        gate.submit(one, 0.0)
        gate.finish(gate.next(0.0) or one, 1.0)
    one = request(500)
    gate.submit(one, 0.0)
    assert one.estimated_mean_tokens > 1.3 * one.estimated_output_tokens
    assert one.total_token_budget == one.prompt_length + one.estimated_output_tokens
    assert SjfConfig.score(one, SjfConfig(), 0.0) == one.total_token_budget
    tenant, drr = State({"left": 1e6, "round": 0, "weight": 1}), DrrConfig()
    DrrConfig.charge(tenant, None, one, drr)
    assert 1e6 - tenant.left == one.prompt_length + one.estimated_mean_tokens
    loads = Gateway(small(), capacities=(10**6, 10**6))
    loads.submit(one, 0.0)
    assert sum(loads.loads.tokens) == one.prompt_length + one.estimated_mean_tokens


def test_a_full_queue_refuses_with_its_reason() -> None:
    gate = gateway({"waiting": 2})
    assert [gate.submit(request(n), 0.0) for n in range(3)] == [True, True, False]
    late = request(3, now=1.5)
    assert not gate.submit(late, 1.5)
    assert (late.status, late.finish_s) == ("rejected", 1.5)
    assert late.reason == "tenant's waiting limit of 2 reached"
    assert gate.submit(request(4, tenant=1), 1.5), "another tenant's limit must not matter"
    assert gate.next(2.0) is not None
    assert gate.submit(request(5), 2.0), "a place that became free can be taken"


def test_a_rate_limit_is_a_bucket_that_fills() -> None:
    gate = gateway({"rate_rps": 2, "burst": 3})
    at_once = [gate.submit(request(n), 0.0) for n in range(4)]
    assert at_once == [True, True, True, False]
    assert [gate.submit(request(n), 0.5) for n in (4, 5)] == [True, False]
    refused = request(6)
    assert not gate.submit(refused, 0.5)
    assert refused.reason == "tenant's rate limit of 2 requests/s reached"
    later = [gate.submit(request(n), 1000.0) for n in range(7, 11)]
    assert later == [True, True, True, False], "the bucket holds no more than its burst"


def test_requests_at_just_the_rate_all_come_in() -> None:
    gate = gateway({"rate_rps": 10, "burst": 1})
    assert all(gate.submit(request(n), n / 10) for n in range(1000))


def test_a_running_limit_holds_back_one_tenant_and_nobody_else() -> None:
    gate = gateway({"running": 1})
    for number, tenant in enumerate([0, 0, 0, 1]):
        gate.submit(request(number, tenant), 0.0)
    first, second = gate.next(0.0), gate.next(0.0)
    assert first is not None
    assert second is not None
    assert (first.request_id, second.request_id) == (0, 3)
    assert gate.next(0.0) is None
    assert gate.waiting == 2
    gate.finish(first, 1.0)
    held = gate.next(1.0)
    assert held is not None
    assert held.request_id == 1, "what was held leaves in its old order"


def test_a_request_that_can_never_fit_is_refused_at_once() -> None:
    gate = gateway(kv_capacity=340)
    one = request(0)
    assert not gate.submit(one, 0.0)
    assert one.reason == "needs 350 tokens of KV cache, 340 fit"


def test_nothing_is_chosen_from_nothing() -> None:
    assert gateway().next(0.0) is None
    assert gateway({"running": 1}).next(0.0) is None
