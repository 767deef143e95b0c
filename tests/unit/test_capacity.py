"""Capacity: goals as they are written, and what lies beyond all that is tried."""

from math import inf

import pytest

from driftsched.core.errors import InputError
from driftsched.experiments.capacity import capacity
from driftsched.experiments.fleet import fewest_gpus
from driftsched.experiments.goal import Goal
from driftsched.scenario import changed
from tests.support.scenarios import small


@pytest.mark.parametrize(
    "text",
    [
        *("p95_ttft_ms>=2", "slo_attainment<=0.9", "p95_ttft<=2", "p95_ttft_ms<=", "", "mae<=1"),
        *("pe_ttft_ms<=1", "p100_ttft_ms<=1", "p0_ttft_ms<=1"),
    ],
)
def test_goal_that_cannot_be_read_is_one_message(text: str) -> None:
    with pytest.raises(InputError, match=r"^goal must be a latency, as in .* got '"):
        Goal.parse(text)


def test_goal_is_read_as_it_is_written() -> None:
    assert Goal.parse(" p99.9_e2el_ms <= 2e3 ") == Goal("p99.9_e2el_ms", 2000.0)
    assert str(Goal.parse("slo_attainment>=0.95", "chat")) == "chat's slo_attainment >= 0.95"


def test_goal_needs_a_tenant_that_is_there_and_slos_to_attain() -> None:
    with pytest.raises(InputError, match=r"^tenant must be one of a, b, got 'c'$"):
        capacity(small(), Goal("p95_ttft_ms", 1.0, "c"))
    with pytest.raises(InputError, match=r"^goal slo_attainment needs SLOs, "):
        capacity(small(), Goal("slo_attainment", 0.9))


def test_goal_beyond_all_loads_is_said_to_be() -> None:
    assert capacity(small(), Goal("p95_ttft_ms", 1e12), most_seeds=2).value == inf
    assert capacity(small(), Goal("p95_ttft_ms", 1e-9), most_seeds=2).value == 0


@pytest.mark.parametrize(("precision", "seeds"), [(0.0, 8), (-1.0, 8), (0.02, 1)])
def test_precision_and_seeds_have_limits(precision: float, seeds: int) -> None:
    with pytest.raises(InputError, match=r"^seeds must be >= 2 and precision > 0, got"):
        capacity(small(), Goal("p95_ttft_ms", 1.0), precision=precision, most_seeds=seeds)


def test_gpu_that_cannot_serve_has_its_reason_and_the_others_go_on() -> None:
    big = changed(small(), cluster={"model": "llama-3-70b", "gpu": "H100", "tensor_parallel": 4})
    none, enough = fewest_gpus(big, Goal("p95_ttft_ms", 1e9), {"T4": 1.0, "H200": None}, seeds=8)
    assert none.replicas is None
    assert none.reason.startswith("cluster: llama-3-70b needs 35.3 GB")
    assert (enough.replicas, enough.gpus, enough.price_per_hour) == (1, 4, None)


def test_lengths_that_nothing_stretches_have_no_headroom() -> None:
    """A factor that changes nothing would be borne for ever."""
    (found,) = fewest_gpus(small(lengths="capped"), Goal("p95_ttft_ms", 1e9), {"L4": None}, seeds=8)
    assert (found.replicas, found.longer) == (1, None)
