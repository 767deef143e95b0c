"""A recorded trace → a scenario with fitted arrivals and lengths, and how good the fit is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from scipy import stats

from driftsched.core.arrays import Ints
from driftsched.scenario.changes import changed
from driftsched.scenario.io import parse_scenario
from driftsched.scenario.model import Scenario
from driftsched.scenario.recorded import TraceSource
from driftsched.workload.fit.arrivals import ArrivalFit, fit_arrivals
from driftsched.workload.fit.drift import StepFit, factors, fit_steps
from driftsched.workload.fit.lengths import LengthFit, fit_lengths
from driftsched.workload.streams import Streams
from driftsched.workload.traces.load import taken
from driftsched.workload.traces.mapping import categories, tenants
from driftsched.workload.traces.rows import RecordedRows

MOST_TENANTS = 8
POINTS = 200
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
    prompt_tokens: Ints
    output_tokens: Ints
    longest: int
    """Of the answers as recorded."""


@dataclass(frozen=True)
class TraceFit:
    """What was fitted, each tenant's share of the requests, and a scenario of one phase of it.

    Lengths are those without the steps.
    """

    scenario: Scenario
    arrivals: ArrivalFit
    categories: tuple[CategoryFit, ...]
    tenants: dict[str, float]
    steps: tuple[StepFit, ...]
    assumed: tuple[str, ...]
    """What a trace does not tell."""

    def table(self) -> pd.DataFrame:
        """One row a fitted quantity, with its 95 % interval.

        quantity, category, kind, parameters, ks, n; value, low and high: of the gaps requests a
        second, of lengths mean tokens, of a step its factor.
        """
        own = self.arrivals
        half = 1.96 * own.gaps.std() / own.gaps.mean() / math.sqrt(own.n)  # of a renewal process
        ends = (own.rate_rps * (1 + side * half) for side in (0, -1, 1))
        rows = [("gap", "", own.process.kind, _said(own.process), own.ks, own.n, *ends)]
        for quantity, category, values, fit in self._lengths():
            said = _said(fit.distribution)
            row = (quantity, category, fit.distribution.kind, said, fit.ks, fit.n)
            rows.append((*row, *_mean(values)))
        for step in self.steps:
            said = f"from {step.at_s:.0f} s ({step.at_low_s:.0f}–{step.at_high_s:.0f})"
            factor = (step.factor, step.low, step.high)
            rows.append(("drift", "", "step", said, math.nan, own.n, *factor))
        names = ["quantity", "category", "kind", "parameters", "ks", "n", "value", "low", "high"]
        return pd.DataFrame(rows, columns=names)

    def curves(self) -> pd.DataFrame:
        """Data and fit as distribution functions, for the chart; at most 200 values a curve.

        Columns: quantity (gap, prompt_tokens, output_tokens), category, value (gaps in expected
        arrivals, lengths in tokens), data_share, fit_share (both 0 to 1), ks.
        """
        gaps = self.arrivals.gaps
        at = _few(len(gaps))
        share = (at + 1) / len(gaps)
        tables = [
            _curve("gap", "", gaps[at], share, self.arrivals.cdf_at_gaps[at], self.arrivals.ks)
        ]
        for quantity, category, values, own in self._lengths():
            distinct, counts = np.unique(values, return_counts=True)
            at = _few(len(distinct))
            share = np.cumsum(counts)[at] / len(values)
            said = own.distribution.cdf(distinct[at].astype(np.float64) + 0.5)
            tables.append(_curve(quantity, category, distinct[at], share, said, own.ks))
        return pd.concat(tables, ignore_index=True)

    def _lengths(self) -> Iterator[tuple[str, str, Ints, LengthFit]]:
        for fit in self.categories:
            yield "prompt_tokens", fit.name, fit.prompt_tokens, fit.prompt
            yield "output_tokens", fit.name, fit.output_tokens, fit.output


def fit_trace(
    source: Path | BinaryIO,
    rules: TraceSource,
    base: Scenario | None = None,
    name: str = "fitted",
) -> TraceFit:
    """Fit arrivals and lengths of a trace, read and chosen by the rules, to a scenario.

    Tenants, categories, policy, engine and cluster of `base` are kept, requests mapped to them by
    the rules. Without one the clients of the file become tenants, the eight busiest by name and the
    rest as one, and there is one category.

    Raises
    ------
    TraceError
        The trace cannot be read, or has too few requests to fit.
    """
    seed = 1 if base is None else base.seed
    streams = Streams(seed, 1)
    _, rules, rows, order = taken(source, rules, streams, seed)
    time_s = (rows.time_ns[order] - rows.time_ns[order[0]]) / 1e9 * rules.time_scale
    arrivals = fit_arrivals(time_s)
    prompt, output = rows.prompt_tokens[order], rows.output_tokens[order]
    group = np.zeros(len(order), dtype=np.int64) if rows.client is None else rows.client[order]
    if base is None:
        members = {"requests": np.arange(len(order))}
        shares = _client_shares(rows, order)
    else:
        found = categories(base, rules, prompt, output)
        members = {c: np.flatnonzero(found == n) for n, c in enumerate(base.category_names)}
        tenant = tenants(base, rules, streams, rows, order)
        counts = np.bincount(tenant, minlength=len(base.tenants)) / len(order)
        shares = dict(zip(base.tenant_names, counts.tolist(), strict=True))
        group = found * len(base.tenants) + tenant
    steps = fit_steps(time_s, output, group)
    steady = np.maximum(np.rint(output / factors(steps, time_s)), 1).astype(np.int64)
    fits = tuple(
        _category(category, len(at) / len(order), prompt[at], output[at], steady[at])
        for category, at in members.items()
        if len(at)
    )
    scenario = _scenario(name, float(time_s[-1]), arrivals, fits, shares, base)
    if steps:
        drift = [{"kind": "step", "at_s": s.at_s, "factor": s.factor} for s in steps]
        scenario = changed(scenario, drift=drift)
    return TraceFit(scenario, arrivals, fits, shares, steps, _assumed(scenario, base))


def _assumed(scenario: Scenario, base: Scenario | None) -> tuple[str, ...]:
    if base is not None:
        return (f"tenants, policy, engine and cluster, those of {base.name}",)
    cluster = scenario.cluster
    return (
        "tiers, weights and SLOs",
        f"{cluster.model} on {cluster.gpu}",
        f"{scenario.engine.mode} batching",
        f"the policy {scenario.policy.kind}",
    )


def _category(name: str, share: float, prompt: Ints, recorded: Ints, output: Ints) -> CategoryFit:
    correlation = 0.0
    if len(prompt) > 2 and np.ptp(prompt) and np.ptp(output):
        correlation = float(stats.spearmanr(prompt, output).statistic)
    lengths = fit_lengths(prompt), fit_lengths(output)
    return CategoryFit(name, share, *lengths, correlation, prompt, output, int(recorded.max()))


def _client_shares(rows: RecordedRows, order: Ints) -> dict[str, float]:
    """Shares of the busiest clients by name, the others as one; one tenant where none is named."""
    if rows.client is None:
        return {"all": 1.0}
    counts = np.bincount(rows.client[order], minlength=len(rows.clients))
    ranked = [n for n in np.argsort(-counts, kind="stable") if counts[n]]
    shares: dict[str, float] = {}
    for n in ranked[:MOST_TENANTS]:
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", rows.clients[n])[:36].lstrip("_.-") or "client"
        while name in shares:
            name = f"{name[:33]}-{len(shares)}"
        shares[name] = float(counts[n] / len(order))
    rest = sum(counts[n] for n in ranked[MOST_TENANTS:])
    if rest:
        shares["other-clients"] = float(rest / len(order))
    return shares


def _said(part: Any) -> str:
    """Parameters in a few words."""
    values = part.model_dump(exclude={"kind"}, exclude_defaults=True)
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{len(value)} {name}"
        for name, value in values.items()
        if isinstance(value, float | tuple | list)
    )


def _mean(values: Ints) -> tuple[float, float, float]:
    half = 1.96 * float(values.std()) / math.sqrt(len(values))
    mean = float(values.mean())
    return mean, mean - half, mean + half


def _few(n: int) -> Ints:
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).astype(np.int64))


def _curve(
    quantity: str, category: str, value: Any, data: Any, fit: Any, ks: float
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "quantity": quantity,
            "category": category,
            "value": np.asarray(value, dtype=np.float64),
            "data_share": data,
            "fit_share": fit,
            "ks": ks,
        }
    )


def _scenario(
    name: str,
    span_s: float,
    arrivals: ArrivalFit,
    fits: tuple[CategoryFit, ...],
    shares: dict[str, float],
    base: Scenario | None,
) -> Scenario:
    """Put what was fitted into a scenario of one phase; see `fit_trace` for the rest."""
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
    elif base.estimator.predictor.kind == "column":  # of the trace, which is there no more
        changed["estimator"] = own["estimator"] | {"predictor": {"kind": "category"}}
    return parse_scenario(own | changed)


def _surroundings(fits: tuple[CategoryFit, ...], shares: dict[str, float]) -> dict[str, Any]:
    """What a trace does not tell: who the tenants are beyond their names, and what serves them."""
    longest = max(int(f.prompt_tokens.max()) + f.longest for f in fits)
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
        "max_output_tokens": min(1_000_000, fit.longest),
        **fitted,
    }
