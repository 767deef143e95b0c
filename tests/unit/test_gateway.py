"""The gateway: budgets, admission limits, running limits, learning; its time is an argument."""

from __future__ import annotations

import math
from typing import Any

import pytest

from driftsched.gateway.gateway import Gateway
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
