"""The report of a run, as an HTML page or as Markdown."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.by_tenant import tenants
from driftsched.charts.estimation import bias, confusion, drift
from driftsched.charts.gpus import energy, gpu
from driftsched.charts.html_page import (
    Code,
    Part,
    Picture,
    Section,
    html_page,
    markdown_page,
)
from driftsched.charts.latency import latency_cdf
from driftsched.charts.queues import queue_depth
from driftsched.charts.theme import look_at
from driftsched.results import RunResult
from driftsched.results.energy import energy_over_time
from driftsched.results.estimation_error import estimation_table
from driftsched.results.marks import run_marks
from driftsched.results.metrics import metrics_table
from driftsched.results.storage import provenance_json
from driftsched.results.within_run import WithinRun
from driftsched.results.wording import energy_facts, number, seconds
from driftsched.scenario.io import to_yaml

Drawn = tuple[str, str, "go.Figure"]
"""Title, one sentence that says what to look at, figure."""
MOST_ROWS = 60
LABELS = {"e2el": "End to end", "ttft": "To the first token", "queue_wait": "In the queue"}
SNIPPET = """\
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate

result = simulate(load_scenario({scenario}))
"""
ENDS = ("rejected", "failed", "timed_out", "cancelled")


def report_figures(result: RunResult) -> list[Drawn]:
    """Title, what to look at, and figure, in reading order."""
    requests, unit = result.requests, result.scenario.estimator.unit
    marks = run_marks(result)
    run = {result.scenario.policy.kind: requests}
    figures = {
        "Latency": latency_cdf(run),
        "Latency by tenant": tenants(run),
        "Queues": queue_depth(result.queues, marks),
        "GPU": gpu(result.gpus, marks),
        "Energy": energy(energy_over_time(result.gpus, requests), marks),
        "Drift": drift(requests, unit=unit, marks=marks),
        "Learned bias": bias(result.learning, marks),
        "Size classes": confusion(requests),
    }
    return [(title, look_at(figure), figure) for title, figure in figures.items()]


def html_report(result: RunResult, figures: Sequence[Drawn], command: str) -> str:
    """Build the report of a run, `run_sections`, as `html_page`."""
    return html_page(_title(result), run_sections(result, figures, command))


def markdown_report(result: RunResult, command: str) -> str:
    """Build the summary of a run as Markdown."""
    return markdown_page(_title(result), run_sections(result, (), command))


def _title(result: RunResult) -> str:
    return result.scenario.title or result.scenario.name


def run_sections(result: RunResult, figures: Sequence[Drawn], command: str) -> list[Section]:
    """What a report says of a run.

    Parameters
    ----------
    figures : sequence of (str, str, Figure)
        Title, one sentence that says what to look at, plotly figure.
    command : str
        Command line that repeats the run.
    """
    scenario = result.scenario
    metrics, errors = metrics_table(result), estimation_table(result)
    unit = scenario.estimator.unit
    shown = errors[["compensator", "mae", "rmse", "mape", "mean_signed_error", "mae_change"]]
    heads = [
        "compensator",
        f"MAE ({unit})",
        f"RMSE ({unit})",
        "MAPE (%)",
        f"mean error ({unit})",
        "MAE change (%)",
    ]
    shown = shown.assign(mae_change=100 * shown["mae_change"]).set_axis(heads, axis="columns")
    lead: list[Part] = [scenario.question] if scenario.question else []
    trust = WithinRun(result.requests).in_words(scenario.metrics.percentiles)
    return [
        Section("", [*lead, _headline(metrics.iloc[0].to_dict(), errors, unit)]),
        Section("Latency", []),
        *_percentile_tables(metrics),
        Section("", [trust]),
        Section("Length estimates", [shown]),
        *(Section(title, [Picture(figure, said)]) for title, said, figure in figures),
        Section(
            "How to repeat it",
            [
                *repeated(command),
                Code(to_yaml(scenario), "Scenario"),
                Code(provenance_json(result.provenance), "Provenance"),
            ],
        ),
    ]


def repeated(command: str) -> list[Part]:
    """The command line that repeats a run and, where it simulates one, the same in Python."""
    words = shlex.split(command)
    if words[:4] != ["python", "-m", "driftsched", "run"]:
        return [Code(command)]
    name, options = words[4], words[5:]
    changes = options[1::2] if set(options[::2]) <= {"--set"} else None
    if changes is None:
        return [Code(command)]
    given = f"{name!r}, {changes!r}" if changes else repr(name)
    return [Code(command), Code(SNIPPET.format(scenario=given))]


def _headline(overall: Mapping[Any, Any], errors: pd.DataFrame, unit: str) -> dict[str, str]:
    """The run in a few numbers; goodput never without what was lost beside it."""
    facts = {
        "Requests finished": f"{overall['completed']:,} of {overall['submitted']:,}",
        "Rejected, failed, timed out, cancelled": ", ".join(f"{overall[e]:,}" for e in ENDS),
        "Median latency": seconds(overall["median_e2el_ms"]),
    }
    for key, value in overall.items():
        if key.endswith("_e2el_ms") and key.startswith("p") and key != "p50_e2el_ms":
            facts[f"{key.split('_')[0].upper()} latency"] = seconds(value)
    facts |= {
        "Median time to first token": seconds(overall["median_ttft_ms"]),
        "Requests per second": number(overall["request_throughput"]),
        "Goodput (requests per second within SLOs)": number(overall["request_goodput"]),
        "SLOs met": _share(overall["slo_attainment"]),
        "Output tokens per second": number(overall["output_throughput"]),
        "Waited too long (starved)": f"{overall['starved']:,}",
    }
    facts |= energy_facts(overall)
    own = errors[errors["own"]]
    if len(own):
        facts[f"Mean length error ({unit})"] = number(float(own["mae"].iloc[0]))
    return facts


def _percentile_tables(metrics: pd.DataFrame) -> list[Section]:
    """A table a latency: overall, by tenant, by category; 60 rows at most."""
    shown = metrics.head(MOST_ROWS)
    left = len(metrics) - len(shown)
    parts = []
    for metric, label in LABELS.items():
        names = [c for c in metrics.columns if c.endswith(f"_{metric}_ms") and c[0] == "p"]
        table = pd.DataFrame({"group": shown["name"], "mean": shown[f"mean_{metric}_ms"]})
        for name in names:
            table[name.split("_")[0].upper()] = shown[name]
        for column in table.columns[1:]:
            table[column] = [seconds(value) for value in table[column]]
        table.insert(1, "finished", shown["completed"])
        parts.append(Section(label, [table], 3))
    if left:
        parts.append(Section("", [f"{left:,} more rows are in metrics.csv."]))
    return parts


def _share(value: Any) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.1f} %"
