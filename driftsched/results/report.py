"""One run as one HTML page: opens offline, plotly.js inside once, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from driftsched.results.report_parts import headline, percentile_tables, table_html
from driftsched.results.storage import provenance_json
from driftsched.scenario.io import to_yaml

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from driftsched.results.tables import RunResult

__all__ = ["Figure", "html_report"]

Figure = tuple[str, str, "go.Figure"]
"""Title, one sentence that says what to look at, figure."""

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


def html_report(result: RunResult, figures: Sequence[Figure], command: str) -> str:
    """Build the report of a run: one page that needs nothing else.

    Parameters
    ----------
    result : RunResult
        The run.
    figures : sequence of (str, str, Figure)
        Title, one sentence that says what to look at, plotly figure.
    command : str
        Command line that repeats the run.

    Returns
    -------
    str
        HTML. All text is escaped: names, titles and reasons cannot become markup or run.
    """
    from driftsched.results.estimation_error import estimation_table
    from driftsched.results.metrics import metrics_table
    from driftsched.results.within_run import WithinRun

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
        numbers=headline(metrics.iloc[0].to_dict(), errors, unit),
        percentiles=percentile_tables(metrics),
        trust=escape(WithinRun(result.requests).said(scenario.metrics.percentiles)),
        estimates=table_html(shown),
        figures="\n".join(_figure(number, *figure) for number, figure in enumerate(figures)),
        command=escape(command),
        scenario=escape(to_yaml(scenario)),
        provenance=escape(provenance_json(result.provenance)),
        script=f"<script>\n{_text('report.js')}</script>" if figures else "",
    )


def _figure(number: int, title: str, look_at: str, figure: go.Figure) -> str:
    import plotly.io

    # to_html escapes <, > and / inside the figure's JSON.
    drawn = plotly.io.to_html(
        figure,
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
    return files("driftsched.results").joinpath(name).read_text(encoding="utf-8")
