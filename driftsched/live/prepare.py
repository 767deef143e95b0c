"""Scenario, options and engine → what a dispatcher needs, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftsched.core.errors import ScenarioError
from driftsched.estimation.budget import prepare_budgets
from driftsched.gateway.gateway import Gateway
from driftsched.gateway.intake import make_requests
from driftsched.live.continuous import ContinuousDispatcher
from driftsched.live.dispatcher import Place
from driftsched.live.engine import Call
from driftsched.live.gang import GangDispatcher
from driftsched.live.played import live_scenario
from driftsched.live.prompts import live_workload, prompt_text, with_prompt_tokens
from driftsched.scheduling.policies import StaticOrder

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
    """The traffic of a live run, before and while it is sent; its clients' times are scaled."""

    scenario: Scenario
    workload: Workload
    budgets: Budgets
    requests: list[Request]


def prepare(scenario: Scenario, workload: Workload) -> Prepared:
    """Budget a workload whose times and prompts are the live ones, as are the scenario's times."""
    budgets = prepare_budgets(scenario, workload)
    return Prepared(scenario, workload, budgets, make_requests(scenario, workload, budgets))


def scaled(scenario: Scenario, workload: Workload, options: LiveOptions) -> Prepared:
    """Prepare a scenario and its workload as generated."""
    played = live_scenario(scenario, options.time_scale)
    return prepare(played, live_workload(workload, options.time_scale))


async def count_prompts(prepared: Prepared, engine: Engine) -> Prepared:
    """Prepare anew with prompt lengths as the engine's tokenizer counts them."""
    workload = prepared.workload
    texts = [prompt_text(workload, number) for number in range(len(workload))]
    distinct = list(dict.fromkeys(texts))
    lengths = dict(zip(distinct, await engine.count_tokens(distinct), strict=True))
    counted = with_prompt_tokens(workload, [lengths[text] for text in texts])
    return prepare(prepared.scenario, counted)


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
    options: LiveOptions,
    prepared: Prepared,
    engine: Engine,
    facts: EngineFacts,
    gateway: Gateway,
    clock: Clock,
) -> Dispatcher:
    """Put traffic, gateway and engine together."""
    scenario = prepared.scenario
    names = scenario.tenant_names

    def call(request: Request, row: int, replica: int) -> Call:
        return Call(
            request_id=request.request_id,
            tenant=names[request.tenant],
            prompt=prompt_text(prepared.workload, row),
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
        scenario=scenario,
        workload=prepared.workload,
        requests=prepared.requests,
        gateway=gateway,
        options=options,
        call=call,
        in_words=scenario.estimator.unit == "words",
        clock=clock,
    )
    if scenario.engine.mode == "continuous":
        return ContinuousDispatcher(place)
    return GangDispatcher(place, scenario.engine.batch_wait_s)
