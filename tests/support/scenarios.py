"""Small scenarios, hand-made and generated, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from driftsched.estimation import compensators
from driftsched.scenario import Scenario, parse_scenario
from driftsched.scheduling import policies, routers
from driftsched.workload import Workload

POLICIES = tuple(policies.POLICIES)
COMPENSATORS = tuple(compensators.COMPENSATORS)
ROUTERS = tuple(routers.ROUTERS)
"""Every kind that is registered."""


def small(**changes: Any) -> Scenario:
    """Two tenants, one category, Poisson arrivals; `changes` replace top-level fields."""
    data: dict[str, Any] = {
        "schema": 1,
        "name": "small",
        "tenants": [
            {"name": "a", "tier": "premium", "weight": 2, "share": 0.5, "safety_factor": 1.2},
            {"name": "b", "tier": "batch", "weight": 1, "share": 0.5, "safety_factor": 0.8},
        ],
        "categories": [
            {
                "name": "short_qa",
                "base_tokens": 40,
                "max_output_tokens": 100,
                "output_tokens": {"kind": "lognormal", "mu": 3.5, "sigma": 0.6},
            }
        ],
        "phases": [
            {
                "name": "only",
                "requests": 200,
                "arrivals": {"kind": "poisson", "rate_rps": 4},
                "mix": {"short_qa": 1},
            }
        ],
    }
    return parse_scenario(data | changes)


def with_predictions(workload: Workload) -> Workload:
    """The same requests, as a trace that predicts four answers in five of them would give them."""
    rng = np.random.default_rng(6)
    said = np.where(rng.random(len(workload)) < 0.8, rng.lognormal(3.5, 0.6, len(workload)), np.nan)
    return replace(workload, predicted_tokens=said)


COSTS: tuple[dict[str, Any], ...] = (
    {"kind": "roofline"},
    {"kind": "roofline", "stack": "vllm-0.2"},
    {
        "kind": "table",
        "iteration_tokens": [1, 64, 512],
        "iteration_ms": [12, 12.5, 40],
        "kv_tokens": [500, 2000],
        "kv_ms": [0.3, 4],
        "attention_s": 1e-9,
    },
)


@st.composite
def clusters(draw: st.DrawFn, *, small: bool = False) -> dict[str, Any]:
    """One to four replicas, of one kind or several, with one queue or one each."""
    # Utilisations that leave from about 800 to 60,000 tokens of KV cache on an L4.
    utilisation = st.sampled_from([0.2015, 0.2025] if small else [0.2015, 0.205, 0.23, 0.7])
    cluster: dict[str, Any] = {"memory_utilisation": draw(utilisation)}
    cluster["cost"] = draw(st.sampled_from(COSTS))
    if draw(st.booleans()):
        return cluster
    cluster |= {
        "queue": draw(st.sampled_from(["central", "per_replica"])),
        "router": {"kind": draw(st.sampled_from(ROUTERS))},
    }
    if draw(st.booleans()):
        return cluster | {"replicas": draw(st.integers(2, 4))}
    pool = st.fixed_dictionaries(
        {"replicas": st.integers(1, 2), "memory_utilisation": utilisation},
        optional={"gpu": st.just("A10G"), "model": st.just("smollm2-135m")},
    )
    return cluster | {"pools": draw(st.lists(pool, min_size=1, max_size=2))}


@st.composite
def engines(draw: st.DrawFn) -> dict[str, Any]:
    """Gangs, and continuous batching with and without token budget, chunks and blocks."""
    engine: dict[str, Any] = {"batch_size": draw(st.integers(1, 12))}
    mode = draw(st.sampled_from(["gang", "continuous", "continuous"]))
    if mode == "gang":
        return engine | {"mode": mode, "batch_wait_s": draw(st.sampled_from([0.0, 0.01, 0.5]))}
    if draw(st.booleans()):
        engine["max_num_batched_tokens"] = draw(st.integers(12, 600))
        if engine["max_num_batched_tokens"] > 500:
            engine |= {"max_num_batched_tokens": 2048, "chunked_prefill": False}
    paged = {
        "kv": st.just("paged"),
        "block_tokens": st.sampled_from([1, 3, 16, 64]),
        "admit": st.sampled_from(["first_fit", "past_future"]),
        "preempt": st.sampled_from(["last_admitted", "lowest_rank"]),
    }
    if draw(st.booleans()):
        engine |= draw(st.fixed_dictionaries(paged))
    return engine | {"mode": mode}


LIMITS = st.fixed_dictionaries(
    {
        "waiting": st.none() | st.integers(0, 8),
        "running": st.none() | st.integers(1, 3),
        "rate_rps": st.none() | st.floats(0.5, 20),
        "burst": st.integers(1, 4),
    }
)


def tenants(count: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """So many tenants of equal share, with and without limits."""
    tenant = st.fixed_dictionaries(
        {
            "tier": st.sampled_from(["premium", "standard", "batch"]),
            "weight": st.sampled_from([0.5, 1, 2, 5]),
            "safety_factor": st.floats(0.5, 1.5),
            "prefix_hit_rate": st.sampled_from([0.0, 0.0, 0.3, 1.0]),
            "limits": st.just({}) | LIMITS,
        }
    )
    return st.lists(tenant, min_size=count, max_size=count).map(
        lambda rows: [
            row | {"name": f"t{number}", "share": 1 / count} for number, row in enumerate(rows)
        ]
    )


@st.composite
def categories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A short one with long-tailed answers, and one that is told by a word."""
    lognormal = {
        "kind": "lognormal",
        "mu": draw(st.floats(0, 4.5)),
        "sigma": draw(st.floats(0.1, 1.5)),
    }
    short_qa = {
        "name": "short_qa",
        "base_tokens": draw(st.integers(1, 200)),
        "max_output_tokens": draw(st.integers(1, 300)),
        "prompt_tokens": {"kind": "uniform", "low": 1, "high": 400},
        "output_tokens": lognormal,
        "words_per_token_sd": draw(st.sampled_from([0, 0.1])),
    }
    report = {
        "name": "report",
        "base_tokens": draw(st.integers(1, 400)),
        "max_output_tokens": draw(st.integers(1, 400)),
        "keywords": ["report"],
        "output_tokens": {"kind": "uniform", "low": 1, "high": 300},
    }
    return [short_qa, report]


@st.composite
def phases(draw: st.DrawFn, *, pressed: bool) -> list[dict[str, Any]]:
    """One to three phases; `pressed` ones bring many requests at once."""
    rate = st.floats(50, 500) if pressed else st.floats(0.2, 50)
    poisson = {"kind": st.just("poisson"), "rate_rps": rate}
    gamma = {"kind": st.just("gamma"), "rate_rps": rate, "cv": st.floats(0.5, 4)}
    phase = st.fixed_dictionaries(
        {
            "requests": st.integers(1, 40),
            "arrivals": st.fixed_dictionaries(poisson) | st.fixed_dictionaries(gamma),
            "drain": st.booleans(),
            "pause_s": st.sampled_from([0.0, 0.7, 30.0]),
        }
    )
    mix = {"short_qa": 0.6, "report": 0.4}
    drawn = draw(st.lists(phase, min_size=1, max_size=3))
    return [one | {"name": f"p{number}", "mix": mix} for number, one in enumerate(drawn)]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Scenarios over both batching modes, all policies, limits, phases, costs and estimators."""
    engine = draw(engines())
    # Blocks run out where the cache is small and many come at once.
    pressed = engine.get("kv") == "paged" and draw(st.integers(0, 3)) > 0
    unit = draw(st.sampled_from(["words", "tokens"]))
    looks: st.SearchStrategy[dict[str, Any]] = st.builds(
        dict, kind=st.just("refined"), every_tokens=st.integers(1, 60)
    )
    return parse_scenario(
        {
            "schema": 1,
            "name": "generated",
            "seed": draw(st.integers(0, 2**20)),
            "tenants": draw(st.integers(1, 4).flatmap(tenants)),
            "categories": draw(categories()),
            "phases": draw(phases(pressed=pressed)),
            "estimator": {
                "unit": unit,
                "predictor": draw(st.just({"kind": "category"}) | looks),
                "censoring": unit == "tokens" and draw(st.booleans()),
                "compensator": {"kind": draw(st.sampled_from(COMPENSATORS))},
            },
            "policy": {"kind": draw(st.sampled_from(POLICIES))},
            "lengths": draw(st.sampled_from(["natural", "capped" if pressed else "natural"])),
            "engine": engine,
            "cluster": draw(clusters(small=pressed)),
        }
    )
