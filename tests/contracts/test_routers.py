"""Every registered router keeps the same promises."""

import pytest

from driftsched.scenario import Scenario
from driftsched.scheduling.request import Request
from driftsched.scheduling.routers import ROUTERS, Loads
from driftsched.simulation import simulate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

NAMES = list(ROUTERS)


def request(number: int, tenant: int = 0) -> Request:
    return Request(number, tenant, 1, 0, 0.0, 10, 10, 10, 10, 10, 10, 10.0)


def routed(name: str, **cluster: object) -> Scenario:
    cluster |= {"queue": "per_replica", "router": {"kind": name}}
    phase = small().phases[0].model_dump(mode="json", exclude_none=True)
    phase |= {"requests": 400, "arrivals": {"kind": "poisson", "rate_rps": 30}}
    engine = {"mode": "continuous", "batch_size": 4}
    return small(cluster={"replicas": 3} | cluster, engine=engine, phases=[phase])


@pytest.mark.parametrize("name", NAMES)
def test_it_only_names_replicas_that_are_on_offer(name: str) -> None:
    """A router that names another replica would send requests where they do not fit."""
    router = ROUTERS[name](kind=name).build(Loads([3, 0, 5, 1], [30, 0, 50, 10]), seed=1)
    for number in range(50):
        for among in ([0, 1, 2, 3], [1, 3], [2]):
            assert router.route(request(number, tenant=number % 5), among) in among


@pytest.mark.parametrize("name", NAMES)
def test_runs_repeat_and_use_several_replicas(name: str) -> None:
    """Draws from an unseeded stream would not repeat a run; all in one queue is no routing."""
    scenario = routed(name)
    first, second = (simulate(scenario).requests for _ in range(2))
    assert first.equals(second)
    assert first["replica"].nunique() > 1


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_give_the_same_tables(name: str) -> None:
    """Otherwise who serves a request would depend on which engine happened to run."""
    if not ROUTERS[name].simpy_only:
        assert_engines_agree(routed(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_request_goes_where_it_fits(name: str) -> None:
    """A request routed to a replica with too small a KV cache would wait there for ever."""
    pools = [{"memory_utilisation": 0.2013}, {"memory_utilisation": 0.7}]
    table = simulate(routed(name, replicas=1, pools=pools)).requests
    assert (table["status"] == "finished").all()
    small_cache = (table["prompt_tokens"] + table["max_output_tokens"])[table["replica"] == 0]
    assert small_cache.empty or small_cache.max() <= 700


def test_least_outstanding_and_tokens_differ() -> None:
    """Counting requests and counting tokens must not be the same rule under two names."""
    loads = Loads([1, 2], [900, 100])
    assert (
        ROUTERS["least_outstanding"](kind="least_outstanding")
        .build(loads, 1)
        .route(request(0), [0, 1])
        == 0
    )
    assert (
        ROUTERS["least_estimated_tokens"](kind="least_estimated_tokens")
        .build(loads, 1)
        .route(request(0), [0, 1])
        == 1
    )


def test_least_kv_share_fills_replicas_in_proportion_to_their_memory() -> None:
    """By tokens alone a small replica would be given as much as a large one."""
    loads = Loads([1, 1], [500, 900], [1000, 4000])
    router = ROUTERS["least_kv_share"](kind="least_kv_share").build(loads, 1)
    assert router.route(request(0), [0, 1]) == 1
    assert router.route(request(0), [0]) == 0


def test_power_of_two_never_takes_the_worst_of_all() -> None:
    """Of two different replicas the fuller one is never taken, so the fullest of all never is."""
    router = ROUTERS["power_of_two"](kind="power_of_two").build(Loads([9, 1, 2], [0, 0, 0]), seed=3)
    chosen = [router.route(request(number), [0, 1, 2]) for number in range(200)]
    assert set(chosen) == {1, 2}


def test_shorter_waits_than_round_robin() -> None:
    """Join-the-shortest-queue must beat blind turns on a loaded cluster."""
    waits = {
        name: simulate(routed(name)).requests["e2e_s"].mean()
        for name in ("round_robin", "least_outstanding")
    }
    assert waits["least_outstanding"] <= waits["round_robin"]
