"""One run as one HTML page: opens offline, plotly.js inside once, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.by_tenant import tenants
from driftsched.charts.estimation import bias, confusion, drift
from driftsched.charts.gpus import energy, gpu
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
ENDS = ("rejected", "failed", "timed_out", "cancelled")
# Nothing may be loaded from anywhere; plotly's WebGL traces compile their shaders' code by eval.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)
CONFIG = {"displaylogo": False, "responsive": True, "showSendToCloud": False}
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
{plotly}
</head>
<body>
<main>
<h1>{title}</h1>
{question}{numbers}
<h2>Latency</h2>
{percentiles}
<p class="note">{trust}</p>
<h2>Length estimates</h2>
{estimates}
{figures}
<h2>How to repeat it</h2>
<pre><code>{command}</code></pre>
<details><summary>Scenario</summary><pre><code>{scenario}</code></pre></details>
<details><summary>Provenance</summary><pre><code>{provenance}</code></pre></details>
</main>
{script}
</body>
</html>
"""


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
    """Build the report of a run: one page that needs nothing else.

    Parameters
    ----------
    figures : sequence of (str, str, Figure)
        Title, one sentence that says what to look at, plotly figure.
    command : str
        Command line that repeats the run.

    Returns
    -------
    str
        HTML. All text is escaped: names, titles and reasons cannot become markup or run.
    """
    scenario = result.scenario
    metrics, errors = metrics_table(result), estimation_table(result)
    unit = scenario.estimator.unit
    question = f'<p class="soft">{escape(scenario.question)}</p>\n' if scenario.question else ""
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
    return PAGE.format(
        policy=POLICY,
        title=escape(scenario.title or scenario.name),
        style=_text("report.css"),
        plotly=_plotly() if figures else "",
        question=question,
        numbers=_headline(metrics.iloc[0].to_dict(), errors, unit),
        percentiles=_percentile_tables(metrics),
        trust=escape(WithinRun(result.requests).in_words(scenario.metrics.percentiles)),
        estimates=_table(shown),
        figures="\n".join(_figure(number, *figure) for number, figure in enumerate(figures)),
        command=escape(command),
        scenario=escape(to_yaml(scenario)),
        provenance=escape(provenance_json(result.provenance)),
        script=f"<script>\n{_text('report.js')}</script>" if figures else "",
    )


def _figure(number: int, title: str, look_at: str, figure: go.Figure) -> str:
    import plotly.io

    # A layout made at once lists its axes in no certain order; equal runs give equal bytes.
    parts = figure.to_plotly_json()
    parts["layout"] = dict(sorted(parts["layout"].items()))
    # to_html escapes <, > and / inside the figure's JSON.
    drawn = plotly.io.to_html(
        parts,
        config=CONFIG,
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        div_id=f"figure-{number}",
    )
    caption = f"<figcaption>{escape(look_at)}</figcaption>"
    return f"<h2>{escape(title)}</h2>\n<figure>\n{drawn}\n{caption}\n</figure>"


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"


@cache
def _text(name: str) -> str:
    return files("driftsched.charts").joinpath(name).read_text(encoding="utf-8")


def _headline(overall: Mapping[Any, Any], errors: pd.DataFrame, unit: str) -> str:
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
    cells = (f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    return f'<dl class="numbers">{"".join(cells)}</dl>'


def _percentile_tables(metrics: pd.DataFrame) -> str:
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
        parts.append(f"<h3>{label}</h3>\n{_table(table)}")
    note = f'<p class="note">{left:,} more rows are in metrics.csv.</p>' if left else ""
    return "\n".join(parts) + note


def _table(table: pd.DataFrame) -> str:
    """Write a table as HTML, everything escaped."""
    heads = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = (
        "<tr>" + "".join(f"<td>{escape(number(value))}</td>" for value in row) + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    body = "\n".join(rows)
    return f'<div class="wide"><table>\n<tr>{heads}</tr>\n{body}\n</table></div>'


def _share(value: Any) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.1f} %"
