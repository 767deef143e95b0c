"""A recorded trace → a scenario with fitted arrivals and lengths, and how good the fit is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from driftsched.scenario.model import Scenario
from driftsched.scenario.recorded import TraceSource
from driftsched.workload.fit.arrivals import ArrivalFit, fit_arrivals
from driftsched.workload.fit.lengths import fit_lengths
from driftsched.workload.fit.scenario import CategoryFit, fitted_scenario
from driftsched.workload.streams import Streams
from driftsched.workload.traces.formats import SERVEGEN, read_rows
from driftsched.workload.traces.load import refuse
from driftsched.workload.traces.mapping import categories, tenants
from driftsched.workload.traces.rows import RecordedRows
from driftsched.workload.traces.select import select

__all__ = ["TraceFit", "fit_trace"]

IntArray = NDArray[np.int64]

MOST_TENANTS = 8
POINTS = 200


@dataclass(frozen=True)
class TraceFit:
    """What was fitted, and the scenario made of it.

    Attributes
    ----------
    scenario : Scenario
        One phase as long as the trace.
    arrivals : ArrivalFit
    categories : tuple of CategoryFit
    tenants : dict
        Tenant → share of the requests.
    """

    scenario: Scenario
    arrivals: ArrivalFit
    categories: tuple[CategoryFit, ...]
    tenants: dict[str, float]

    def table(self) -> pd.DataFrame:
        """One row a fitted quantity: quantity, category, kind, parameters, ks, n."""
        process = self.arrivals.process
        rows = [("gap", "", process.kind, _said(process), self.arrivals.ks, self.arrivals.n)]
        for fit in self.categories:
            for quantity, own in (("prompt_tokens", fit.prompt), ("output_tokens", fit.output)):
                said = _said(own.distribution)
                rows.append((quantity, fit.name, own.distribution.kind, said, own.ks, own.n))
        return pd.DataFrame(rows, columns=["quantity", "category", "kind", "parameters", "ks", "n"])

    def curves(self) -> pd.DataFrame:
        """Data and fit as distribution functions, for the chart.

        Returns
        -------
        DataFrame
            quantity (gap, prompt_tokens, output_tokens), category, value (gaps in expected
            arrivals, lengths in tokens), data_share, fit_share (both 0 to 1), ks; at most 200
            values a curve.
        """
        gaps = self.arrivals.gaps
        at = _few(len(gaps))
        share = (at + 1) / len(gaps)
        tables = [
            _curve("gap", "", gaps[at], share, self.arrivals.cdf_at_gaps[at], self.arrivals.ks)
        ]
        for fit in self.categories:
            for quantity, values, own in (
                ("prompt_tokens", fit.prompt_tokens, fit.prompt),
                ("output_tokens", fit.output_tokens, fit.output),
            ):
                distinct, counts = np.unique(values, return_counts=True)
                at = _few(len(distinct))
                share = np.cumsum(counts)[at] / len(values)
                said = own.distribution.cdf(distinct[at].astype(np.float64) + 0.5)
                tables.append(_curve(quantity, fit.name, distinct[at], share, said, own.ks))
        return pd.concat(tables, ignore_index=True)


def fit_trace(
    source: Path | BinaryIO,
    rules: TraceSource,
    base: Scenario | None = None,
    name: str = "fitted",
) -> TraceFit:
    """Fit arrivals and lengths of a trace.

    Parameters
    ----------
    source : Path or binary file
        The trace.
    rules : TraceSource
        How it is read, and what is taken of it; its `file` is not looked at.
    base : Scenario, optional
        Its tenants and categories are kept, requests mapped to them by the rules; so are policy,
        engine and cluster. Without one the clients of the file become tenants, the eight busiest
        by name and the rest as one, and there is one category.
    name : str
        Of the scenario.

    Raises
    ------
    TraceError
        The trace cannot be read, or has too few requests to fit.
    """
    seed = 1 if base is None else base.seed
    name_of_format, rows = read_rows(source, rules, seed)
    refuse(rows, rules)
    if name_of_format == SERVEGEN:  # its times were chosen when it was read
        rules = rules.model_copy(update={"from_s": 0.0, "until_s": None})
    streams = Streams(seed, 1)
    order = select(rows, rules, streams)
    time_s = (rows.time_ns[order] - rows.time_ns[order[0]]) / 1e9 * rules.time_scale
    arrivals = fit_arrivals(time_s)
    prompt, output = rows.prompt_tokens[order], rows.output_tokens[order]
    if base is None:
        members = {"requests": np.arange(len(order))}
        shares = _client_shares(rows, order)
    else:
        found = categories(base, rules, prompt, output)
        members = {c: np.flatnonzero(found == n) for n, c in enumerate(base.category_names)}
        tenant = tenants(base, rules, streams, rows, order)
        counts = np.bincount(tenant, minlength=len(base.tenants)) / len(order)
        shares = dict(zip(base.tenant_names, counts.tolist(), strict=True))
    fits = tuple(
        _category(category, len(at) / len(order), prompt[at], output[at])
        for category, at in members.items()
        if len(at)
    )
    scenario = fitted_scenario(name, float(time_s[-1]), arrivals, fits, shares, base)
    return TraceFit(scenario, arrivals, fits, shares)


def _category(name: str, share: float, prompt: IntArray, output: IntArray) -> CategoryFit:
    correlation = 0.0
    if len(prompt) > 2 and np.ptp(prompt) and np.ptp(output):
        correlation = float(stats.spearmanr(prompt, output).statistic)
    return CategoryFit(
        name, share, fit_lengths(prompt), fit_lengths(output), correlation, prompt, output
    )


def _client_shares(rows: RecordedRows, order: IntArray) -> dict[str, float]:
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


def _few(n: int) -> IntArray:
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
