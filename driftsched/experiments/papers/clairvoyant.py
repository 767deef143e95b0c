"""Clairvoyant (arXiv 2606.07248): shortest class first before a serial server, with promotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from driftsched.experiments.claims import shown
from driftsched.experiments.papers.base import Paper, Reproduction, Runs, under
from driftsched.experiments.verdicts import at_most, figure
from driftsched.scenario import Scenario, changed, from_yaml

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance

PACE, LOAD, WAITS = 100, 0.74, 3.0
"""Tokens a second; published: load, and τ in mean services of a short request."""
SIMULATED = {"short": (3.5, 0.5), "long": (8.9, 0.5)}
"""Mean service in the published simulation (Gemma3:4b on an RTX 4090), s, and share."""
MEASURED = {"short": (2.0, 0.52), "medium": (8.5, 0.36), "long": (30.1, 0.12)}
"""Mean service on an Apple M1 (table 1), s, and share in LMSYS-Chat-1M."""
SETTINGS = """
schema: 1
name: clairvoyant
seed: 1
tenants: [{name: users, share: 1}]
categories: CATEGORIES
prompts: {leak: false}
phases:
  - {name: traffic, requests: 2000, arrivals: {kind: poisson, rate_rps: RATE}, mix: MIX}
estimator: {unit: tokens, classifier: {kind: oracle}, compensator: {kind: none}}
engine: {mode: continuous, batch_size: 1}
cluster:
  gpu: A100-80
  cost: {kind: constant, token_s: 0.01}
  memory_utilisation: 0.9
  context_tokens: 32768
"""


def _classes(known: Mapping[str, tuple[float, float]], variance: float) -> Scenario:
    """Gamma service of a squared coefficient of variation; mean and share by class."""
    categories = [
        {
            "name": name,
            "base_tokens": round(PACE * mean_s),
            "max_output_tokens": 30_000,
            "prompt_tokens": {"kind": "constant", "tokens": 1},
            "output_tokens": {
                "kind": "gamma",
                "shape": 1 / variance,
                "scale": PACE * mean_s * variance,
            },
        }
        for name, (mean_s, _) in known.items()
    ]
    rate = LOAD / sum(mean_s * share for mean_s, share in known.values())
    text = SETTINGS.replace("CATEGORIES", str(categories)).replace("RATE", str(rate))
    return from_yaml(text.replace("MIX", str({name: share for name, (_, share) in known.items()})))


def _burst(scenario: Scenario) -> Scenario:
    (phase,) = scenario.model_dump()["phases"]
    at_once = {"requests": 100, "arrivals": {"kind": "poisson", "rate_rps": 1000}}
    return changed(scenario, phases=[phase | at_once])


def promoted(scenario: Scenario) -> Scenario:
    """Copy of a scenario where the longest class passes a shortest one that came τ later.

    cμ at equal cost scores 1000 / budget, less for each second of waiting: τ makes up for the
    difference of the two classes.
    """
    short, *_, long = (category.base_tokens + 1 for category in scenario.categories)
    rate = (1000 / short - 1000 / long) / (WAITS * short / PACE)
    return changed(scenario, policy={"kind": "cmu", "ratio": 1, "rate": rate})


def judge(
    scenarios: Mapping[str, Scenario], seeds: int, progress: Advance | None = None
) -> Reproduction:
    """Serve every setting first come first served, by class, and by class with promotion."""
    ordered = under(scenarios, ("fifo", "sjf"))
    both = {name: {**ordered[name], "promoted": promoted(one)} for name, one in scenarios.items()}
    runs = Runs(both, seeds, progress)

    def fifo(setting: str) -> str:
        found = runs.latency(setting, "fifo", 0).estimate(50.0)
        return f"First come first served it is {shown((found.value, found.low, found.high), '.1f')}"

    longest = len(MEASURED) - 1
    relative = "Promotion is relative here: who waited for τ does not pass those who did too."
    rows = [
        figure(
            "Burst: short requests' median falls",
            -69.9,
            runs.change("burst", "sjf", 50.0, 0),
            f"{fifo('burst')} s, published 229.5 s. The shortest class goes first, of 100 at once.",
        ),
        figure(
            "Load 0.74: it falls",
            -49.4,
            runs.change("exponential", "sjf", 50.0, 0),
            f"{fifo('exponential')} s, published 13.94 s; service is exponential.",
        ),
        figure(
            "With promotion after 3 × short",
            -17.7,
            runs.change("exponential", "promoted", 50.0, 0),
            f"{fifo('exponential')} s. {relative}",
        ),
        figure(
            "With twice the variance",
            -35.0,
            runs.change("varied", "promoted", 50.0, 0),
            f"{fifo('varied')} s, published 20.60 s. {relative} The published program lifts one a "
            "dispatch, the first over τ in its heap's order, mostly a short one.",
        ),
        at_most(
            "Three classes: long P95 rises at most",
            20.0,
            runs.change("three classes", "promoted", 95.0, longest),
            "Without promotion it changes by "
            f"{shown(runs.change('three classes', 'sjf', 95.0, longest), '+.0f')} %; with "
            "it short requests' median still by "
            f"{shown(runs.change('three classes', 'promoted', 50.0, 0), '+.0f')} %.",
        ),
    ]
    return Reproduction.of(rows, ASSUMED, runs.metrics())


ASSUMED = [
    "Figures and settings are those of the paper's second version and its published programs.",
    "Classes are known: the published simulation's noise on P(long) hardly ever swaps two.",
    "Promotion is cμ's aging at equal cost, the nearest registered rule; it is relative.",
    "Two classes of Gamma service at load 0.74 are the published simulation. Three have means on "
    "an Apple M1, LMSYS-Chat-1M's shares and a squared coefficient of variation of 0.2, as in the "
    "paper's tables; the load is ours.",
    "One server, one request at a time, 100 tokens a second; prompts cost nothing.",
    "Published for bursts are 70 to 76 %; set beside ours is its table's Gemma3:4b.",
]
PAPER = Paper(
    "Clairvoyant",
    "arXiv 2606.07248",
    "Does shortest class first help a serial server (arXiv 2606.07248)?",
    {
        "burst": _burst(_classes(SIMULATED, 0.5)),
        "exponential": _classes(SIMULATED, 1.0),
        "varied": _classes(SIMULATED, 2.0),
        "three classes": _classes(MEASURED, 0.2),
    },
    judge,
)
