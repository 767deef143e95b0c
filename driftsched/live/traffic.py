"""A scenario's traffic as a live run sends it: clients' times scaled, its texts as prompts.

A time scale slows down or hurries those who ask: when they come, how long they think, wait and
pause. The server's side (limits, batch wait, aging) and the engine go by the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

from driftsched.core.config import Config
from driftsched.core.errors import ScenarioError
from driftsched.scheduling.policies import StaticOrder
from driftsched.workload.budgets import prepare_budgets
from driftsched.workload.requests import make_requests

if TYPE_CHECKING:
    from driftsched.live.engine import Engine, EngineFacts
    from driftsched.live.options import LiveOptions
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.workload.budgets import Budgets
    from driftsched.workload.table import Workload

__all__ = [
    "LiveTraffic",
    "check_facts",
    "check_options",
    "filler",
    "left_out",
    "live_scenario",
    "live_workload",
    "prompt_text",
]

ConfigT = TypeVar("ConfigT", bound=Config)
FILLER = (
    "Background, for context only: the team runs its services on shared machines and keeps notes "
    "on load, cost and incidents for every week of the year, which are listed here in full."
)
PATIENCE_TIMES = ("first_token_timeout_s", "timeout_s")
RETRY_TIMES = ("backoff_s", "max_backoff_s")


@dataclass(frozen=True)
class LiveTraffic:
    """What a live run sends, before and while it is sent.

    Attributes
    ----------
    scenario, workload
        As `live_scenario` and `live_workload` give them.
    budgets : Budgets
        Of the workload.
    requests : list of Request
        One a row of the workload.
    """

    scenario: Scenario
    workload: Workload
    budgets: Budgets
    requests: list[Request]

    @classmethod
    def of(cls, scenario: Scenario, workload: Workload) -> Self:
        """Budget a workload whose times and prompts are the live ones, as are the scenario's."""
        budgets = prepare_budgets(scenario, workload)
        return cls(scenario, workload, budgets, make_requests(scenario, workload, budgets))

    async def counted(self, engine: Engine) -> LiveTraffic:
        """Return it with prompt lengths as the engine's tokenizer counts them."""
        texts = [prompt_text(self.workload, row) for row in range(len(self.workload))]
        distinct = list(dict.fromkeys(texts))
        lengths = dict(zip(distinct, await engine.count_tokens(distinct), strict=True))
        counts = np.array([lengths[text] for text in texts], dtype=np.int64)
        return LiveTraffic.of(self.scenario, replace(self.workload, prompt_tokens=counts))


def live_scenario(scenario: Scenario, time_scale: float = 1.0) -> Scenario:
    """Return the scenario with its clients' time limits and pauses scaled, and without events.

    Parameters
    ----------
    scenario : Scenario
    time_scale : float
        2 plays twice as slowly.
    """
    tenants = tuple(
        tenant.model_copy(
            update={
                "patience": _scaled(tenant.patience, PATIENCE_TIMES, time_scale),
                "retries": _scaled(tenant.retries, RETRY_TIMES, time_scale),
            }
        )
        for tenant in scenario.tenants
    )
    return scenario.model_copy(update={"tenants": tenants, "events": ()})


def _scaled(model: ConfigT, names: tuple[str, ...], factor: float) -> ConfigT:
    times = {name: getattr(model, name) for name in names}
    return model.model_copy(
        update={name: time_s * factor for name, time_s in times.items() if time_s is not None}
    )


def live_workload(workload: Workload, time_scale: float = 1.0) -> Workload:
    """Return the workload with its clients' times scaled and its prompts as long as their texts.

    Scaled are arrivals, the users' thinking, patience as drawn, and the phases.

    A drawn or recorded prompt length longer than the text is reached with filler words; a text
    longer than that stays whole, and its length in tokens is corrected in proportion.

    Parameters
    ----------
    workload : Workload
        As generated.
    time_scale : float
        2 plays twice as slowly.
    """
    own = np.array([len(text.split()) for text in workload.prompts], dtype=np.int64)
    planned = workload.prompt_words
    words = np.maximum(planned, own[workload.prompt_id])
    tokens = np.rint(workload.prompt_tokens * (words / planned)).astype(np.int64)
    segments = tuple(
        replace(
            segment,
            duration_s=segment.duration_s * time_scale,
            pause_s=segment.pause_s * time_scale,
        )
        for segment in workload.segments
    )
    think_s, patience_s = workload.think_s, workload.patience_s
    return replace(
        workload,
        arrival_s=workload.arrival_s * time_scale,
        think_s=None if think_s is None else think_s * time_scale,
        patience_s=None if patience_s is None else patience_s * time_scale,
        prompt_words=words,
        prompt_tokens=tokens,
        segments=segments,
    )


def prompt_text(workload: Workload, row: int) -> str:
    """The text that a request sends; it has exactly ``prompt_words`` words."""
    text: str = workload.prompts[workload.prompt_id[row]]
    missing = int(workload.prompt_words[row]) - len(text.split())
    return text if missing <= 0 else f"{text}\n\n{filler(missing)}"


def filler(words: int) -> str:
    """Neutral words that make a text as long as it is wanted."""
    return " ".join(islice(cycle(FILLER.split()), words))


def left_out(scenario: Scenario) -> str:
    """Say what of a scenario a live run does not play; empty where it plays all.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> left_out(load_scenario("replica-outage")).split(".")[0]
    'Not played live: outage, slow down'
    """
    kinds = dict.fromkeys(event.kind.replace("_", " ") for event in scenario.events)
    if not kinds:
        return ""
    return (
        f"Not played live: {', '.join(kinds)}. Such events happen to modelled replicas; "
        "a real engine is what it is."
    )


def check_options(scenario: Scenario, options: LiveOptions, policy: Policy) -> None:
    """Refuse what cannot be run live with these options.

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
    if facts.planned_lengths:
        return
    unknown = "a real model's lengths are not known before the end"
    estimator = scenario.estimator
    if estimator.compensator.kind == "oracle":
        raise ScenarioError(f"estimator.compensator must be one that learns: {unknown}, got oracle")
    if estimator.predictor.foresight:
        raise ScenarioError(
            f"estimator.predictor must have no foresight: {unknown}, got {estimator.predictor.kind}"
        )
