"""What was fitted to a trace → a scenario that runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario
from driftsched.workload.fit.arrivals import ArrivalFit
from driftsched.workload.fit.lengths import LengthFit

__all__ = ["CategoryFit", "fitted_scenario"]

IntArray = NDArray[np.int64]

LEAST_CORRELATION = 0.05
"""Weaker ones are taken for chance."""


@dataclass(frozen=True)
class CategoryFit:
    """Fitted lengths of a category, and the rank correlation of prompts and answers."""

    name: str
    share: float
    prompt: LengthFit
    output: LengthFit
    correlation: float
    prompt_tokens: IntArray
    output_tokens: IntArray


def fitted_scenario(
    name: str,
    span_s: float,
    arrivals: ArrivalFit,
    fits: tuple[CategoryFit, ...],
    shares: dict[str, float],
    base: Scenario | None,
) -> Scenario:
    """Put what was fitted into a scenario of one phase.

    Parameters
    ----------
    name : str
        Of the scenario.
    span_s : float
        Seconds recorded.
    arrivals, fits, shares
        Of a `TraceFit`.
    base : Scenario or None
        Keeps everything but its traffic; without one the trace is served by an A100.
    """
    own = {} if base is None else base.model_dump(mode="json", by_alias=True)
    known = {category["name"]: category for category in own.get("categories", [])}
    for fit in fits:
        known[fit.name] = _category_data(fit, known.get(fit.name))
    phase = {
        "name": "fitted",
        "duration_s": math.ceil(span_s * 1000) / 1000,
        "arrivals": arrivals.process.model_dump(mode="json"),
        "mix": {fit.name: fit.share for fit in fits},
        "shares": shares,
    }
    changed: dict[str, Any] = {
        "name": name,
        "title": "Fitted to a trace",
        "question": "",
        "categories": list(known.values()),
        "phases": [phase],
        "trace": None,
        "drift": [],
    }
    if base is None:
        changed |= _surroundings(fits, shares)
    return parse_scenario(own | changed)


def _surroundings(fits: tuple[CategoryFit, ...], shares: dict[str, float]) -> dict[str, Any]:
    """What a trace does not tell: who the tenants are beyond their names, and what serves them."""
    longest = max(int((f.prompt_tokens + f.output_tokens).max()) for f in fits)
    return {
        "tenants": [{"name": tenant, "share": share} for tenant, share in shares.items()],
        "prompts": {"leak": False},
        "estimator": {"unit": "tokens"},
        "engine": {"mode": "continuous", "batch_size": 64},
        "cluster": {
            "gpu": "A100-80",
            "model": "llama-3-8b",
            "memory_utilisation": 0.9,
            "context_tokens": max(2048, 1 << (longest - 1).bit_length()),
        },
    }


def _category_data(fit: CategoryFit, known: dict[str, Any] | None) -> dict[str, Any]:
    tied = round(fit.correlation, 3) if abs(fit.correlation) >= LEAST_CORRELATION else 0.0
    fitted = {
        "prompt_tokens": fit.prompt.distribution.model_dump(mode="json"),
        "output_tokens": fit.output.distribution.model_dump(mode="json"),
        "length_correlation": max(-0.99, min(0.99, tied)),
    }
    if known is not None:
        return known | fitted
    return {
        "name": fit.name,
        "base_tokens": max(1, round(float(fit.output_tokens.mean()))),
        "max_output_tokens": min(1_000_000, int(fit.output_tokens.max())),
        **fitted,
    }
