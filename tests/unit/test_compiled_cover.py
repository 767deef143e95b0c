"""Which engine runs a scenario, and what the compiled one is told of policies."""

from __future__ import annotations

from typing import Literal

import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import changed, load_scenario
from driftsched.scheduling.policies import ScorePolicy, StaticOrder
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate
from driftsched.simulation.compiled import warm_up
from driftsched.simulation.compiled.warm_up import at_hand
from driftsched.workload import generate
from tests.support.same_tables import first_difference
from tests.support.scenarios import small


class LongestPrompt(StaticOrder):
    """A user's own policy object."""

    def order(self, request: Request) -> float:
        return 0.0 if request.prompt_tokens > 200 else 1.0 / request.prompt_tokens


class ByHand(ScorePolicy):
    """A policy that nobody has registered."""

    kind: Literal["by_hand"] = "by_hand"

    @staticmethod
    def score(request: Request, p: ByHand, now: float) -> float:
        return request.arrival_s


class OnlySimPy(ByHand):
    """One that says why the compiled engine does not have it."""

    simpy_only = "it asks a server"


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


def test_a_policy_object_of_the_callers_own_runs_on_simpy() -> None:
    """Otherwise the kernel would serve by an order that the policy does not keep."""
    result = simulate(small(), policy=LongestPrompt())
    assert result.provenance["engine"] == "simpy"
    assert "policy LongestPrompt, an object of" in result.provenance["engine_reason"]
    with pytest.raises(ScenarioError, match=r"must cover the scenario, got policy LongestPrompt"):
        simulate(small(), policy=LongestPrompt(), engine="compiled")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [(ByHand(), "which is not registered"), (OnlySimPy(), "it asks a server")],
)
def test_a_policy_that_the_kernel_has_not_got_runs_on_simpy(spec: ByHand, reason: str) -> None:
    """Otherwise the switch of the kernel would run another policy under its name."""
    scenario = small().model_copy(update={"policy": spec})
    result = simulate(scenario)
    assert result.provenance["engine"] == "simpy"
    assert reason in result.provenance["engine_reason"]
    fifo = simulate(small(), engine="simpy")
    assert not first_difference(fifo.requests, result.requests)
    with pytest.raises(ScenarioError, match=reason):
        simulate(scenario, engine="compiled")


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
