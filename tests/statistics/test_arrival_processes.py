"""Every arrival process: rates, variation and independence as declared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import stats

from driftsched.core.errors import ScenarioError
from driftsched.scenario import Scenario, load_scenario, parse_scenario, with_load
from driftsched.traffic import ARRIVALS, ArrivalProcess
from driftsched.traffic.arrivals.renewal import weibull_shape
from driftsched.workload import Workload, generate

CONFIGS: list[dict[str, Any]] = [
    {"kind": "uniform", "low_s": 0.05, "high_s": 0.15},
    {"kind": "poisson", "rate_rps": 7},
    {"kind": "gamma", "rate_rps": 5.53, "cv": 1.09},
    {"kind": "weibull", "rate_rps": 5, "cv": 2.5},
    {"kind": "weibull", "rate_rps": 5, "shape": 3},
    {"kind": "weibull", "rate_rps": 5},
    {"kind": "mmpp", "on_rps": 30, "off_rps": 2, "on_s": 5, "off_s": 20},
    {"kind": "mmpp", "on_rps": 30, "on_s": 5, "off_s": 5},
    {"kind": "diurnal", "base_rps": 8, "amplitude": 1, "period_s": 300, "peak_s": 100},
    {"kind": "diurnal", "base_rps": 8, "amplitude": 0.4, "period_s": 37, "cv": 2},
    {"kind": "piecewise", "times_s": [0, 100, 150], "rates_rps": [2, 20, 5]},
    {
        "kind": "piecewise",
        "times_s": [0, 50, 60, 100],
        "rates_rps": [4, 30, 0, 0],
        "shape": "linear",
        "repeat": True,
    },
    {"kind": "closed_loop", "users": 10},
]
CASES = [pytest.param(config, id=f"{config['kind']}-{n}") for n, config in enumerate(CONFIGS)]
KINDS = [config["kind"] for config in CONFIGS]
OPEN = [case for case, kind in zip(CASES, KINDS, strict=True) if kind != "closed_loop"]
CURVES = [case for case, kind in zip(CASES, KINDS, strict=True) if kind in ("diurnal", "piecewise")]


def built(config: dict[str, Any]) -> ArrivalProcess:
    process: ArrivalProcess = TypeAdapter(ArrivalProcess).validate_python(config)
    return process


def drawn(config: dict[str, Any], duration_s: float, seed: int = 31) -> NDArray[np.float64]:
    return built(config).within(np.random.default_rng(seed), duration_s, 10_000_000)


def test_every_kind_is_checked_here() -> None:
    """A process added without statistics would go out untested."""
    assert {config["kind"] for config in CONFIGS} == set(ARRIVALS)


@pytest.mark.parametrize("config", OPEN)
def test_count_is_as_expected(config: dict[str, Any]) -> None:
    """The expected number of requests decides the predicted load."""
    process = built(config)
    counts = [len(drawn(config, 2000, seed)) for seed in range(20)]
    error = np.std(counts, ddof=1) / np.sqrt(len(counts))
    assert abs(np.mean(counts) - process.expected(2000)) < 4 * error + 1


@pytest.mark.parametrize("config", OPEN)
def test_rate_curve_is_what_comes(config: dict[str, Any]) -> None:
    """Previews draw the rate curve; the requests must follow it."""
    process = built(config)
    runs = 60
    edges = np.linspace(0, 300, 13)
    counts = [np.histogram(drawn(config, 300, seed), edges)[0] for seed in range(runs)]
    fine = np.linspace(0, 300, 12 * 200 + 1)[:-1]
    expected = process.rate_at(fine).reshape(12, 200).mean(axis=1) * 25
    error = np.std(counts, axis=0, ddof=1) / np.sqrt(runs)
    if config["kind"] in ("uniform", "weibull"):
        expected, counts = expected[1:], [c[1:] for c in counts]  # they start with a full gap
        error = error[1:]
    assert (np.abs(np.mean(counts, axis=0) - expected) < 4.5 * error + 0.5).all()


@pytest.mark.parametrize("config", OPEN)
def test_longer_and_counted_draws_share_their_beginning(config: dict[str, Any]) -> None:
    """Common random numbers: a later end must not redraw what came before it."""
    process = built(config)
    short, long = drawn(config, 200), drawn(config, 900)
    assert (np.diff(long) >= 0).all()
    assert short == pytest.approx(long[: len(short)], abs=0)
    first = process.first(np.random.default_rng(31), 100)
    assert first == pytest.approx(long[:100], rel=1e-12)


@pytest.mark.parametrize("config", CURVES)
def test_curves_are_a_process_of_rate_one_in_expected_arrivals(config: dict[str, Any]) -> None:
    """Seen in expected arrivals so far, gaps must be those of the process that was moved."""
    process = built(config)
    times = drawn(config, 5000)
    passed = np.array([process.expected(float(t)) for t in times[:8000]])
    gaps = np.diff(passed)
    cv = config.get("cv", 1)
    law = stats.expon() if cv == 1 else stats.gamma(1 / cv**2, scale=cv**2)
    assert stats.kstest(gaps, law.cdf).pvalue > 0.001


@pytest.mark.parametrize("cv", [0.05, 0.5, 1.0, 2.5, 13.2])
def test_weibull_has_the_variation_asked_for(cv: float) -> None:
    """The shape is solved for numerically; its moments must come back."""
    law = stats.weibull_min(weibull_shape(cv))
    assert law.std() / law.mean() == pytest.approx(cv, rel=1e-6)
    if cv < 10:
        gaps = np.diff(drawn({"kind": "weibull", "rate_rps": 50, "cv": cv}, 4000))
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.03)


def test_bursts_are_poisson_inside_their_state_and_over_dispersed_outside() -> None:
    """Index of dispersion of a two-state MMPP in long windows: 1 + 2(λ₁−λ₂)²π₁π₂ / (λ̄(σ₁+σ₂))."""
    on, off, on_s, off_s = 30.0, 2.0, 5.0, 20.0
    config = {"kind": "mmpp", "on_rps": on, "off_rps": off, "on_s": on_s, "off_s": off_s}
    times = drawn(config, 200_000)
    counts = np.histogram(times, np.arange(0, 200_001, 400))[0]
    busy = on_s / (on_s + off_s)
    mean = busy * on + (1 - busy) * off
    leave = 1 / on_s + 1 / off_s
    dispersion = 1 + 2 * (on - off) ** 2 * busy * (1 - busy) / (mean * leave)
    # The window is finite: the sum is reached up to 1/(leave · window).
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(dispersion, rel=0.2)


@pytest.mark.parametrize("config", CASES)
def test_faster_is_the_same_in_less_time(config: dict[str, Any]) -> None:
    """Load sliders must change the pace and nothing else."""
    process = built(config)
    assert process.faster(4).rate == pytest.approx(4 * process.rate)
    if not process.closed:
        slow = process.first(np.random.default_rng(5), 500)
        fast = process.faster(4).first(np.random.default_rng(5), 500)
        assert fast * 4 == pytest.approx(slow, rel=1e-9)


def phased(**phase: Any) -> Scenario:
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    base = {"name": "all", "mix": {"short_qa": 1}}
    return parse_scenario(data | {"phases": [base | phase]})


def counts(workload: Workload) -> list[int]:
    return [int(n) for n in np.bincount(workload.tenant, minlength=3)]


def test_tenants_own_arrivals_leave_the_shared_ones_to_the_others() -> None:
    """Premium sends by its own clock; the other two share the rest by their shares."""
    own = {"premium": {"kind": "uniform", "low_s": 1, "high_s": 1}}
    shared = {"kind": "poisson", "rate_rps": 20}
    scenario = phased(duration_s=1000, arrivals=shared, tenant_arrivals=own)
    workload = generate(scenario)
    premium, standard, batch = counts(workload)
    assert premium == 1000
    assert standard == pytest.approx(10_000, abs=450)
    assert batch == pytest.approx(10_000, abs=450)
    assert (np.diff(workload.arrival_s) >= 0).all()
    alone = generate(phased(duration_s=1000, tenant_arrivals=own))
    assert counts(alone) == [1000, 0, 0]
    assert scenario.phases[0].rate_rps == pytest.approx(21)


def test_own_arrivals_of_one_tenant_do_not_move_anothers() -> None:
    """Common random numbers between tenants: each has a stream of its own."""
    steady = {"kind": "poisson", "rate_rps": 5}
    a = generate(phased(duration_s=200, tenant_arrivals={"premium": steady, "batch": steady}))
    bursts = {"kind": "mmpp", "on_rps": 50, "on_s": 3, "off_s": 9}
    b = generate(phased(duration_s=200, tenant_arrivals={"premium": bursts, "batch": steady}))
    assert np.array_equal(a.arrival_s[a.tenant == 2], b.arrival_s[b.tenant == 2])


def test_number_of_requests_counts_all_tenants_together() -> None:
    """The first 500 of all, in order of time, whoever sends them."""
    own = {
        name: {"kind": "poisson", "rate_rps": rate} for name, rate in (("premium", 1), ("batch", 9))
    }
    few = generate(phased(requests=500, tenant_arrivals=own))
    many = generate(phased(requests=900, tenant_arrivals=own))
    assert len(few) == 500
    assert np.array_equal(few.arrival_s, many.arrival_s[:500])
    assert counts(few)[0] == pytest.approx(50, abs=30)


def test_users_are_split_by_shares_and_think_before_they_ask() -> None:
    """Ten users on shares 0.2, 0.5, 0.3 are 2, 5 and 3; think times add up to the times."""
    loop = {"kind": "closed_loop", "users": 10, "think": {"kind": "exponential", "mean_s": 5}}
    shares = {"premium": 0.2, "standard": 0.5, "batch": 0.3}
    workload = generate(phased(duration_s=400, arrivals=loop, shares=shares))
    assert workload.user is not None
    assert workload.think_s is not None
    tenant_of = {int(u): int(t) for u, t in zip(workload.user, workload.tenant, strict=True)}
    assert np.bincount(list(tenant_of.values())).tolist() == [2, 5, 3]
    for user in range(10):
        mine = workload.user == user
        assert workload.arrival_s[mine] == pytest.approx(np.cumsum(workload.think_s[mine]))
    assert workload.arrival_s.max() <= 400
    assert len(workload) == pytest.approx(10 * 400 / 5, abs=4 * np.sqrt(800))
    assert workload.segments[0].closed_first == 0


def test_requests_of_a_closed_loop_are_shared_out_evenly() -> None:
    """Users who think for no time at all are bounded by their number of requests."""
    loop = {"kind": "closed_loop", "users": 7, "think": {"kind": "constant", "seconds": 0}}
    workload = generate(phased(requests=100, arrivals=loop))
    assert workload.user is not None
    assert sorted(np.bincount(workload.user).tolist()) == [14] * 5 + [15] * 2
    with pytest.raises(ScenarioError, match="needs requests where users think for 0 s"):
        phased(duration_s=5, arrivals=loop)
    with pytest.raises(ScenarioError, match="needs duration_s where a closed loop stands beside"):
        phased(
            requests=5, arrivals=loop, tenant_arrivals={"batch": {"kind": "poisson", "rate_rps": 1}}
        )


def test_open_arrivals_come_before_the_closed_loops_rows() -> None:
    """The simulator tells the two apart by their place."""
    loop = {"kind": "closed_loop", "users": 4, "think": {"kind": "constant", "seconds": 2}}
    shared = {"kind": "poisson", "rate_rps": 5}
    phase = {"duration_s": 20, "arrivals": shared, "tenant_arrivals": {"batch": loop}}
    two = phased(**phase).model_copy()
    workload = generate(two)
    assert workload.user is not None
    assert workload.think_s is not None
    first = workload.segments[0].closed_first
    assert first is not None
    assert (workload.user[:first] == -1).all()
    assert np.isnan(workload.think_s[:first]).all()
    assert workload.user[first:].tolist() == [0, 1, 2, 3] * 10
    assert set(workload.tenant[first:]) == {2}


def test_patience_is_drawn_for_the_tenants_that_have_it() -> None:
    """Batch waits for ever; premium hangs up after about ten seconds."""
    patience = "{abandonment: {kind: exponential, mean_s: 10}}"
    workload = generate(load_scenario("paper", [f"tenants.0.patience={patience}"]))
    assert workload.patience_s is not None
    assert np.isinf(workload.patience_s[workload.tenant != 0]).all()
    mine = workload.patience_s[workload.tenant == 0]
    assert mine.mean() == pytest.approx(10, abs=4 * 10 / np.sqrt(len(mine)))
    assert generate(load_scenario("paper")).patience_s is None


def test_load_slider_speeds_up_everything() -> None:
    """Arrivals, durations and drift together, so that the same requests meet the same drift."""
    own = {
        "batch": {"kind": "closed_loop", "users": 4, "think": {"kind": "constant", "seconds": 2}}
    }
    scenario = phased(
        duration_s=100, arrivals={"kind": "poisson", "rate_rps": 5}, tenant_arrivals=own
    )
    data = json.loads(scenario.model_dump_json(by_alias=True))
    data["drift"] = [{"kind": "step", "factor": 2, "at_s": 50, "for_s": 10}]
    before = parse_scenario(data)
    after = with_load(before, 2)
    assert after.phases[0].duration_s == 50
    assert after.phases[0].rate_rps == pytest.approx(2 * before.phases[0].rate_rps)
    assert after.drift[0].at_s == 25
    slow, fast = generate(before), generate(after)
    assert fast.arrival_s * 2 == pytest.approx(slow.arrival_s)
    assert np.array_equal(fast.output_tokens, slow.output_tokens)
