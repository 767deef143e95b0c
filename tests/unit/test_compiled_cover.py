"""Which engine runs a scenario, and what the compiled one is told of policies."""

from __future__ import annotations

import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import changed, load_scenario
from driftsched.scheduling.policies import StaticOrder
from driftsched.scheduling.policies.fifo import Fifo
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate
from driftsched.simulation.compiled import warm_up
from driftsched.simulation.compiled.warm_up import at_hand
from driftsched.workload import generate
from tests.support.same_tables import TABLES, first_difference
from tests.support.scenarios import small


class LongestPrompt(StaticOrder):
    """A user's own policy, which branches as arrays cannot."""

    def order(self, request: Request) -> float:
        return 0.0 if request.prompt_tokens > 200 else 1.0 / request.prompt_tokens


class HalfBudget(StaticOrder):
    """A user's own policy that follows the estimate."""

    def order(self, request: Request) -> float:
        return request.total_token_budget / 2


class Weighed(HalfBudget):
    """The same, in the two parts that the compiled engine asks for."""

    budget_weight = 0.5


class Backwards(Fifo):
    """A queue of its own, so its order is not all there is to it."""

    def pop(self, now: float) -> Request:
        return self._heap.pop()[3]


class Latest(Fifo):
    """What its base says of arrivals does not hold for it."""

    def order(self, request: Request) -> float:
        return -request.arrival_s


class LatestToo(Latest):
    """It says so itself."""

    def arrival_weight(self) -> float | None:
        return -1.0


def test_auto_takes_the_compiled_engine_and_says_why() -> None:
    """Otherwise a user could not tell who ran, or would wait for SimPy in vain."""
    warm_up()
    assert at_hand()
    provenance = simulate(small()).provenance
    assert provenance["engine"] == "compiled"
    assert provenance["engine_reason"] == "covers everything in this scenario"


def test_an_engine_that_was_asked_for_runs() -> None:
    """Otherwise the two could not be compared."""
    for engine in ("simpy", "compiled"):
        provenance = simulate(small(), engine=engine).provenance
        assert (provenance["engine"], provenance["engine_reason"]) == (engine, "asked for")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ScenarioError, match="one of auto, simpy, compiled, got 'go'"):
        simulate(small(), engine="go")  # type: ignore[arg-type]


def test_a_policy_with_a_queue_of_its_own_is_left_to_simpy() -> None:
    """Otherwise the kernel would serve by an order that the policy does not keep."""
    result = simulate(small(), policy=Backwards())
    assert result.provenance["engine"] == "simpy"
    assert "policy Backwards" in result.provenance["engine_reason"]
    with pytest.raises(ScenarioError, match=r"must cover the scenario, got policy Backwards"):
        simulate(small(), policy=Backwards(), engine="compiled")


def test_a_policy_that_follows_estimates_is_left_to_simpy_unless_it_says_how() -> None:
    """Otherwise its keys would be taken from estimates that the run has not made yet."""
    result = simulate(small(), policy=HalfBudget())
    assert result.provenance["engine"] == "simpy"
    assert "whose order follows estimates" in result.provenance["engine_reason"]
    with pytest.raises(ScenarioError, match="whose order follows estimates"):
        simulate(small(), policy=HalfBudget(), engine="compiled")
    assert_same(HalfBudget, Weighed)


def test_a_policy_that_may_follow_arrivals_is_left_to_simpy_where_clients_try_again() -> None:
    """Otherwise a retry, which comes at a time the run decides, would have another one's place."""
    tenants = [{"name": "a", "share": 1, "retries": {"attempts": 2}}]
    scenario = small(tenants=tenants)
    for policy in (LongestPrompt(), Backwards(), Latest()):
        with pytest.raises(ScenarioError, match=f"got policy {type(policy).__name__}, wh"):
            simulate(scenario, policy=policy, engine="compiled")
    for own in (Fifo(), LatestToo()):
        assert simulate(scenario, policy=own, engine="compiled").provenance["engine"] == "compiled"


def test_estimates_that_are_foreseen_may_be_followed() -> None:
    """Otherwise policies on estimates would be slow without need."""
    assert_same(HalfBudget, HalfBudget, {"compensator": {"kind": "none"}})
    assert_same(HalfBudget, HalfBudget, {"compensator": {"kind": "oracle"}})


def test_a_users_static_order_gives_the_same_tables() -> None:
    assert_same(LongestPrompt, LongestPrompt)


def assert_same(
    reference: type[StaticOrder], compiled: type[StaticOrder], estimator: object = None
) -> None:
    scenario = small(engine={"mode": "continuous", "batch_size": 3}, estimator=estimator or {})
    workload = generate(scenario)
    expected = simulate(scenario, workload, policy=reference(), engine="simpy")
    got = simulate(scenario, workload, policy=compiled(), engine="compiled")
    for name in TABLES:
        assert not first_difference(getattr(expected, name), getattr(got, name))


def test_a_long_run_outgrows_its_first_log() -> None:
    """Otherwise the rows that came after would be lost from the gpus table."""
    phase = load_scenario("paper-continuous").phases[1].model_copy(update={"requests": 40_000})
    scenario = changed(load_scenario("paper-continuous"), phases=[phase.model_dump()])
    workload = generate(scenario)
    gpus = [simulate(scenario, workload, engine=name).gpus for name in ("simpy", "compiled")]
    assert not first_difference(*gpus)


def test_progress_reaches_the_end_and_may_stop_the_run() -> None:
    """Otherwise a long job could be neither watched nor cancelled."""
    shares: list[float] = []
    simulate(small(), progress=shares.append, engine="compiled")
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 50

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(small(), progress=stop, engine="compiled")
