"""What a repetition of the published experiment assumes beyond what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftsched.experiments.verdicts import NEAR_POINTS
from driftsched.serving.cost import ConstantRateConfig, RooflineConfig
from driftsched.serving.memory import kv_capacity_tokens

if TYPE_CHECKING:
    from driftsched.core.config import Config
    from driftsched.scenario import Scenario

__all__ = ["assumptions"]

PROTOCOL = (
    "The request stream, the budgets, the EMA, the policies and the gangs follow the paper's "
    "published program; its figures for each scheduler are not published, so only changes in "
    "percent can be compared."
)
CRITERION = (
    "A published figure counts as held where our 95 % interval over the replications leaves out no "
    "change and our mean is within"
)


def assumptions(scenario: Scenario, cut_share: float) -> list[str]:
    """Say in words, with the scenario's values, what is ours.

    Parameters
    ----------
    scenario : Scenario
        The experiment as it was run.
    cut_share : float
        Share of the answers that ended at their maximum, 0 to 1.
    """
    return [
        _lengths(scenario, cut_share),
        _words(scenario),
        _prompts(scenario),
        _cost(scenario),
        _engine(scenario),
        PROTOCOL,
        f"{CRITERION} {NEAR_POINTS:g} percent points of it.",
    ]


def _lengths(scenario: Scenario, cut_share: float) -> str:
    if scenario.lengths == "capped":
        return "Every answer is as long as its category allows, whatever the model would say."
    listed = "; ".join(f"{c.name} {_distribution(c.output_tokens)}" for c in scenario.categories)
    return (
        f"How long the model's answers would be by themselves: {listed} (tokens), cut at the "
        f"category's limit, which {cut_share:.0%} of them reach."
    )


def _distribution(distribution: Config) -> str:
    data: dict[str, Any] = distribution.model_dump()
    kind = data.pop("kind")
    values = ", ".join(f"{name} {value:g}" for name, value in data.items() if _is_number(value))
    return f"{kind} ({values})" if values else str(kind)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _words(scenario: Scenario) -> str:
    listed = ", ".join(f"{c.name} {c.words_per_token:g}" for c in scenario.categories)
    return f"Words a token: {listed}. The paper does not state them."


def _prompts(scenario: Scenario) -> str:
    leak = (
        "say their job type, as the published generator's do, so that classifying is easy"
        if scenario.prompts.leak
        else "do not say their job type"
    )
    return f"Prompts are our own texts in the paper's four categories; they {leak}."


def _cost(scenario: Scenario) -> str:
    cluster, cost = scenario.cluster, scenario.cluster.cost
    gpu = cluster.find_gpu()
    kv = kv_capacity_tokens(cluster)
    if isinstance(cost, ConstantRateConfig):
        return f"Every iteration takes the same time; {kv:,} tokens of KV cache fit."
    if not isinstance(cost, RooflineConfig):
        source = cost.provenance or "where is not stated"
        return f"Iterations cost what was measured ({source}); {kv:,} tokens of KV cache fit."
    return (
        f"The {cluster.gpu} is modelled from its data sheet, {cost.memory_efficiency:.0%} of "
        f"{gpu.bandwidth_gbs:g} GB/s and {cost.compute_efficiency:.0%} of {gpu.tflops:g} TFLOPS, "
        f"with {kv:,} tokens of KV cache; it was not measured, so changes in percent say more than "
        "seconds."
    )


def _engine(scenario: Scenario) -> str:
    engine = scenario.engine
    if engine.mode == "gang":
        return (
            f"A gang of up to {engine.batch_size} runs until its longest answer ends; a request "
            "that has ended computes no more but gives its place to nobody."
        )
    return (
        f"Continuous batching of up to {engine.batch_size}, unlike the paper's program: "
        "requests join and leave at any step."
    )
