"""Scenario, options and engine → what a dispatcher needs, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftsched.errors import ScenarioError
from driftsched.estimation.budget import prepare_budgets
from driftsched.live.continuous import ContinuousDispatcher
from driftsched.live.dispatcher import Place
from driftsched.live.engine import Call
from driftsched.live.gang import GangDispatcher
from driftsched.live.prompts import live_workload, prompt_text, with_prompt_tokens
from driftsched.scheduling.gateway import Gateway
from driftsched.scheduling.intake import make_requests
from driftsched.scheduling.policies import StaticOrder
from driftsched.simulation.traffic import Traffic

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.live.dispatcher import Dispatcher
    from driftsched.live.engine import Engine, EngineFacts
    from driftsched.live.flight import Clock
    from driftsched.live.options import LiveOptions
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.workload.table import Workload

__all__ = ["Prepared", "check", "count_prompts", "dispatcher", "prepare", "slots"]


@dataclass(frozen=True)
class Prepared:
    """The traffic of a live run, before and while it is sent."""

    workload: Workload
    budgets: Budgets
    requests: list[Request]


def prepare(scenario: Scenario, workload: Workload) -> Prepared:
    """Budget a workload whose times and prompts are the live ones."""
    budgets = prepare_budgets(scenario, workload)
    return Prepared(workload, budgets, make_requests(scenario, workload, budgets))


def scaled(scenario: Scenario, workload: Workload, options: LiveOptions) -> Prepared:
    """Prepare a workload as generated.

    Raises
    ------
    ScenarioError
        It has requests in a closed loop.
    """
    if workload.user is not None:
        raise ScenarioError("phases with closed_loop arrivals cannot be run live by this version")
    return prepare(scenario, live_workload(workload, options.time_scale))


async def count_prompts(scenario: Scenario, prepared: Prepared, engine: Engine) -> Prepared:
    """Prepare anew with prompt lengths as the engine's tokenizer counts them."""
    workload = prepared.workload
    texts = [prompt_text(workload, number) for number in range(len(workload))]
    distinct = list(dict.fromkeys(texts))
    lengths = dict(zip(distinct, await engine.count_tokens(distinct), strict=True))
    return prepare(scenario, with_prompt_tokens(workload, [lengths[text] for text in texts]))


def check(scenario: Scenario, options: LiveOptions, policy: Policy) -> None:
    """Refuse what cannot be run live.

    Raises
    ------
    ScenarioError
        One line with the rule.
    """
    if not options.engine_queue:
        return
    if scenario.engine.mode != "continuous":
        mode = scenario.engine.mode
        raise ScenarioError(f"engine.mode must be continuous for engine_queue, got {mode}")
    if not isinstance(policy, StaticOrder):
        raise ScenarioError(
            "policy must give each request a score that stays (fifo, priority, sjf, aging) for "
            f"engine_queue, got {scenario.policy.kind}"
        )


def check_facts(scenario: Scenario, facts: EngineFacts) -> None:
    """Refuse what this engine cannot run.

    Raises
    ------
    ScenarioError
        One line with the rule.
    """
    if scenario.estimator.compensator.kind == "oracle" and not facts.planned_lengths:
        raise ScenarioError(
            "estimator.compensator must be one that learns: a real model's lengths are not known "
            "before the end, got oracle"
        )


def slots(scenario: Scenario, options: LiveOptions, facts: EngineFacts) -> int:
    """Requests in one replica at most: as asked, else the batch size as far as the engine goes."""
    if options.slots is not None:
        return options.slots
    return min(scenario.engine.batch_size, facts.slots or scenario.engine.batch_size)


def dispatcher(
    scenario: Scenario,
    options: LiveOptions,
    prepared: Prepared,
    engine: Engine,
    facts: EngineFacts,
    gateway: Gateway,
    clock: Clock,
) -> Dispatcher:
    """Put traffic, gateway and engine together."""
    traffic = Traffic(prepared.requests, prepared.workload.segments, gateway)
    names = scenario.tenant_names

    def call(request: Request, replica: int) -> Call:
        return Call(
            request_id=request.request_id,
            tenant=names[request.tenant],
            prompt=prompt_text(prepared.workload, request.request_id),
            max_output_tokens=request.max_output_tokens,
            planned_output_tokens=request.output_tokens,
            temperature=options.temperature,
            seed=(scenario.seed * 1_000_003 + request.request_id) % 2**31,
            priority=gateway.policy.order(request) if options.engine_queue else None,
            replica=replica,
        )

    place = Place(
        engine=engine,
        replicas=facts.replicas,
        slots=slots(scenario, options, facts),
        traffic=traffic,
        gateway=gateway,
        options=options,
        call=call,
        in_words=scenario.estimator.unit == "words",
        clock=clock,
    )
    if scenario.engine.mode == "continuous":
        return ContinuousDispatcher(place)
    return GangDispatcher(place, scenario.engine.batch_wait_s)
