"""Summaries of a run: ends, throughput, goodput, latencies, over all requests and by group.

Names and definitions are those of vLLM's serving benchmark where it has them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from driftsched.core.arrays import Bools, Floats, Ints
from driftsched.results.energy import energy_summary
from driftsched.results.outcomes import STATUSES
from driftsched.results.percentiles import LATENCIES, Summary, percentile_columns
from driftsched.results.slo import goals, waited_s
from driftsched.results.tables import RunResult, codes_of
from driftsched.scenario.model import Scenario

ENDS = ("completed", *STATUSES[1:])


def summarise(
    requests: pd.DataFrame, scenario: Scenario, *, duration_s: float | None = None
) -> Summary:
    """Summarise any rows of the requests table: a run, a tenant, a phase, one page of it.

    Latencies and tokens are those of finished requests. `request_goodput` counts finished requests
    that met all their tenant's objectives, a tenant without objectives having none to miss.
    `slo_attainment` is the share of submitted requests that finished and met them, so that
    rejecting requests cannot raise it; requests of tenants without objectives are left out of it.
    Goodput and attainment are None where nobody in the group has an objective. Rates refer to
    `duration_s`, by default from the first arrival to the last end in the rows; of no rows counts
    are 0 and latencies NaN.

    Returns
    -------
    dict
        submitted, completed, rejected, failed, timed_out, cancelled, starved (waited over
        ``metrics.starvation_s``), duration (s), total_input_tokens, total_output_tokens,
        request_throughput and request_goodput (1/s), output_throughput and total_token_throughput
        (tokens/s), slo_attainment, slo_attainment_of_completed,
        weighted_slo_attainment (each request counts as its tenant's weight says),
        {mean,median,std,pXX}_{ttft,tpot,e2el,queue_wait}_ms, mean_norm_latency_ms (E2E / output
        tokens).
    """
    columns = _Columns(requests, scenario)
    return columns.summary(np.arange(len(requests)), duration_s)


def goals_met(requests: pd.DataFrame, scenario: Scenario) -> Floats:
    """Whether each request finished and met all goals of its tenant, 1 or 0; NaN without goals."""
    asked, good = _Columns(requests, scenario).goals
    return np.where(asked, good.astype(np.float64), np.nan)


def metrics_table(result: RunResult) -> pd.DataFrame:
    """Summaries of a run: all requests first, then each tenant, then each category.

    Columns are scope (overall, tenant, category), name, then the keys of `summarise` and
    `energy_summary`. Rates of all rows refer to the duration of the whole run, so that they add up.
    Energy and cost are those of the run, NaN below the first row: a batch's energy belongs to no
    tenant.
    """
    scenario, requests = result.scenario, result.requests
    columns = _Columns(requests, scenario)
    overall = columns.summary(np.arange(len(requests)), None)
    rows: list[dict[str, Any]] = [
        {"scope": "overall", "name": "all"} | overall | energy_summary(result)
    ]
    scopes = {"tenant": scenario.tenant_names, "category": scenario.category_names}
    for scope, names in scopes.items():
        codes = codes_of(requests[scope], names).astype(np.int16)  # short: sorted by counting
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for name, first, stop in zip(names, bounds[:-1], bounds[1:], strict=True):
            summary = columns.summary(order[first:stop], overall["duration"])
            rows.append({"scope": scope, "name": name} | summary)
    table = pd.DataFrame(rows)
    numbers = [column for column in table.columns if table[column].dtype == object]
    return table.astype(dict.fromkeys(set(numbers) - {"scope", "name"}, np.float64))


class _Columns:
    """The requests table as arrays, so that many groups of its rows cost little."""

    def __init__(self, requests: pd.DataFrame, scenario: Scenario) -> None:
        self.scenario = scenario
        self.status = pd.Categorical(requests["status"], categories=STATUSES).codes
        self.finished: Bools = self.status == STATUSES.index("finished")
        self.seconds = {
            column: requests[column].to_numpy(dtype=np.float64)
            for column in (*LATENCIES.values(), "arrival_s", "dispatch_s", "finish_s")
        }
        self.input_tokens = requests["prompt_tokens"].to_numpy(dtype=np.int64)
        self.output_tokens = requests["output_tokens"].to_numpy(dtype=np.int64)
        tenant = codes_of(requests["tenant"], scenario.tenant_names)
        self.weight = np.array([one.weight for one in scenario.tenants])[tenant]
        self.goals = goals(scenario, tenant, self.finished, self.seconds.__getitem__)
        waited = waited_s(*(self.seconds[f"{end}_s"] for end in ("arrival", "dispatch", "finish")))
        self.starved: Bools = waited > scenario.metrics.starvation_s

    def summary(self, rows: Ints, duration_s: float | None) -> Summary:
        """Summarise the rows at these positions."""
        done = rows[self.finished[rows]]
        duration = self._duration(rows) if duration_s is None else duration_s
        tokens_in = int(self.input_tokens[done].sum())
        tokens_out = int(self.output_tokens[done].sum())
        per_second = 1 / duration if duration > 0 else np.nan
        summary: Summary = {"submitted": len(rows)}
        ends = np.bincount(self.status[rows] + 1, minlength=len(ENDS) + 1)[1:]
        summary |= dict(zip(ENDS, ends.tolist(), strict=True))
        summary |= {
            "starved": int(self.starved[rows].sum()),
            "duration": duration,
            "total_input_tokens": tokens_in,
            "total_output_tokens": tokens_out,
            "request_throughput": len(done) * per_second,
            "request_goodput": int(self.goals.good[rows].sum()) * per_second,
            "output_throughput": tokens_out * per_second,
            "total_token_throughput": (tokens_in + tokens_out) * per_second,
        }
        summary |= self._attainment(rows, done)
        percentiles = self.scenario.metrics.percentiles
        for metric, column in LATENCIES.items():
            summary |= percentile_columns(self.seconds[column][done], metric, percentiles)
        summary["mean_norm_latency_ms"] = self._norm_latency(done)
        return summary

    def _duration(self, rows: Ints) -> float:
        ends = self.seconds["finish_s"][rows]
        ends = ends[~np.isnan(ends)]
        if not len(ends):
            return 0.0
        return float(ends.max() - self.seconds["arrival_s"][rows].min())

    def _attainment(self, rows: Ints, done: Ints) -> Summary:
        asked, good = self.goals
        submitted, finished = int(asked[rows].sum()), int(asked[done].sum())
        if not submitted:
            shares = ("slo_attainment", "slo_attainment_of_completed", "weighted_slo_attainment")
            return dict.fromkeys(("request_goodput", *shares))
        kept, weight = asked & good, self.weight
        met = int(kept[done].sum())
        weighted = float(weight[rows][kept[rows]].sum() / weight[rows][asked[rows]].sum())
        return {
            "slo_attainment": met / submitted,
            "weighted_slo_attainment": weighted,
            "slo_attainment_of_completed": met / finished if finished else np.nan,
        }

    def _norm_latency(self, done: Ints) -> float:
        tokens = self.output_tokens[done]
        some = tokens > 0
        per_token = self.seconds["e2e_s"][done][some] / tokens[some]
        return float(per_token.mean() * 1e3) if len(per_token) else float(np.nan)
