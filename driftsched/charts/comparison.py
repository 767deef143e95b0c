"""What people see of runs side by side: pictures, tables and a report, small whatever the runs."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.estimation import confusion
from driftsched.charts.html_page import Code, Picture, Section
from driftsched.charts.runs import (
    changes,
    run_colours,
    runs_drift,
    runs_fairness,
    runs_latency,
    runs_queues,
    runs_tenants,
)
from driftsched.charts.theme import look_at
from driftsched.experiments.beside_words import how_sure, metric_words, sentence
from driftsched.experiments.run_figures import LATENCY, METRICS
from driftsched.experiments.side_by_side import SideBySide
from driftsched.results.percentiles import LATENCIES
from driftsched.results.wording import with_interval

__all__ = ["Compared", "by_group", "comparison_sections", "figure_table", "metric_rows"]

SNIPPET = """\
from driftsched.experiments.side_by_side import SideBySide, replications
from driftsched.results import RunLibrary

library = RunLibrary()
runs = {{{runs}}}
together = {{name: replications(library.load(run), {seeds}) for name, run in runs.items()}}
beside = SideBySide(together{base})
print(beside.table())
"""


@dataclass(frozen=True)
class Compared:
    """Runs side by side without their requests: what pages and reports show.

    Attributes
    ----------
    baseline : str
        Name of that run.
    seeds : int
        Replications of each run.
    how_sure : str
        What the intervals rest on.
    table, differing : DataFrame
        Those of `SideBySide`.
    colours : dict of str to str
        Run → colour.
    drawn : dict of str to dict
        Figures' data and layout: latency-COLUMN and tenants-COLUMN of each latency, queues, drift,
        fairness, sizes-RUN.
    """

    baseline: str
    seeds: int
    how_sure: str
    table: pd.DataFrame
    differing: pd.DataFrame
    colours: dict[str, str]
    drawn: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, beside: SideBySide) -> Compared:
        """Draw runs side by side."""
        runs = beside.first
        figures = {f"latency-{one}": runs_latency(runs, one) for one in LATENCIES.values()}
        figures |= {f"tenants-{one}": runs_tenants(runs, one) for one in LATENCIES.values()}
        figures |= {"queues": runs_queues(runs), "drift": runs_drift(runs)}
        figures |= {"fairness": runs_fairness(runs)}
        figures |= {f"sizes-{name}": confusion(run.requests) for name, run in runs.items()}
        return cls(
            beside.baseline,
            beside.seeds,
            how_sure(beside),
            beside.table(),
            beside.differing(),
            run_colours(runs),
            {name: _plain(figure.to_plotly_json()) for name, figure in figures.items()},
        )

    def figure(self, name: str) -> go.Figure:
        """One of the figures in `drawn`."""
        return go.Figure(self.drawn[name], _validate=False)

    def changes(self, metric: str) -> go.Figure:
        """Changes of a metric against the baseline, by group."""
        others = {name: one for name, one in self.colours.items() if name != self.baseline}
        return changes(self.table, metric, metric_words(metric), others)

    def sentence(self, metric: str) -> str:
        """What differs and for whom, between asterisks what is to be seen first."""
        return sentence(self.table, self.baseline, metric)


def _plain(value: Any) -> Any:
    """A figure's JSON with numpy's arrays where plotly writes their bytes as text."""
    if isinstance(value, dict) and "bdata" in value:
        numbers = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        shape = [int(side) for side in str(value.get("shape", -1)).split(",")]
        return numbers.reshape(shape)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def metric_rows(
    compared: Compared,
    scope: str = "overall",
    name: str = "all",
    metrics: Sequence[str] = METRICS,
) -> pd.DataFrame:
    """Figures for people, of a group: a row a metric, of each run the figure and the change.

    Latencies are in seconds, shares in percent, changes in percent of the baseline's figure; each
    is a text with its 95 % interval in brackets.
    """
    table = compared.table
    mine = table[(table["scope"] == scope) & (table["name"] == name)]
    rows = []
    for metric in metrics:
        found = mine[mine["metric"] == metric].set_index("run")
        if found["value"].notna().any():
            row = {"": _head(metric)}
            for run in compared.colours:
                row[run], row[f"{run}, change (%)"] = "–", "–"
                if run in found.index:
                    row[run], row[f"{run}, change (%)"] = _cells(found.loc[run].to_dict(), metric)
            del row[f"{compared.baseline}, change (%)"]
            rows.append(row)
    return pd.DataFrame(rows)


def _head(metric: str) -> str:
    words = metric_words(metric)
    unit = " (s)" if metric in LATENCY else " (%)" if metric == "slo_attainment" else ""
    return words[:1].upper() + words[1:] + unit


def _cells(row: Mapping[Any, Any], metric: str) -> tuple[str, str]:
    scale = 1e-3 if metric in LATENCY else 100 if metric == "slo_attainment" else 1
    value = with_interval(*(scale * row[end] for end in ("value", "low", "high")))
    change = with_interval(*(100 * row[end] for end in ("change", "change_low", "change_high")))
    return value, change


def figure_table(figure: go.Figure) -> pd.DataFrame:
    """The numbers behind a picture: name of the line or bar, x, y (or z, a row a cell)."""
    parts = []
    for trace in figure.data:
        if trace.type == "heatmap":
            cells = [
                (f"{x} for {y}", x, y, trace.z[n][m])
                for n, y in enumerate(trace.y)
                for m, x in enumerate(trace.x)
            ]
            parts.append(pd.DataFrame(cells, columns=["name", "x", "y", "z"]))
        elif trace.type == "box":
            names = ("lowerfence", "q1", "median", "q3", "upperfence")
            boxes = {"name": trace.name, "x": trace.x} | {n: trace[n] for n in names}
            parts.append(pd.DataFrame(boxes))
        else:
            parts.append(pd.DataFrame({"name": trace.name, "x": trace.x, "y": trace.y}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def comparison_sections(
    compared: Compared, runs: Mapping[str, str], metric: str = "p99_e2el_ms", command: str = ""
) -> list[Section]:
    """What a report says of a comparison.

    Parameters
    ----------
    runs : mapping of str to str
        Name of a run → its id in the library; empty for runs that are not there.
    metric : str
        The latency that the sentence on top and the picture of changes are about.
    command : str
        Command line that repeats it; by default the one that names the ids.
    """
    by_tenant, by_category = (by_group(compared, scope, metric) for scope in ("tenant", "category"))
    pictures = [compared.figure("latency-e2e_s"), compared.changes(metric)]
    over_time = [compared.figure(name) for name in ("queues", "drift")]
    sizes = [
        Picture(
            compared.figure(f"sizes-{name}"), f"{name}: {look_at(compared.figure(f'sizes-{name}'))}"
        )
        for name in compared.colours
    ]
    column = LATENCY[metric][0]
    return [
        Section("", [compared.sentence(metric).replace("**", ""), compared.how_sure]),
        Section("Latency", pictures),
        Section("All figures", [metric_rows(compared)]),
        Section("By tenant", [by_tenant, compared.figure(f"tenants-{column}")]),
        Section("By category", [by_category]),
        Section("Over time", over_time),
        Section("Size classes", sizes),
        Section("Fairness", [compared.figure("fairness")]),
        Section("What differs", [_differing(compared)]),
        Section("How to repeat it", _repeated(compared, runs, command)),
    ]


def by_group(compared: Compared, scope: str, metric: str) -> pd.DataFrame:
    """A row a group: a metric under each run, with the change."""
    groups = compared.table.loc[compared.table["scope"] == scope, "name"].unique()
    rows = [metric_rows(compared, scope, name, [metric]).assign(**{"": name}) for name in groups]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"": []})
    return table.rename(columns={"": f"{_head(metric)} of"})


def _differing(compared: Compared) -> pd.DataFrame | str:
    table = compared.differing
    return table.reset_index() if len(table) else "The scenarios are the same."


def _repeated(compared: Compared, runs: Mapping[str, str], command: str) -> list[Code | str]:
    if command:
        return [Code(command)]
    if not runs or not all(runs.values()):
        return ["Save the runs: then a command line with their ids repeats this."]
    seeds = compared.seeds
    words = ["python", "-m", "driftsched", "compare", *runs.values()]
    words += ["--baseline", runs[compared.baseline]]
    words += ["--seeds", str(seeds)] if seeds > 1 else []
    named = ", ".join(f"{name!r}: {run!r}" for name, run in runs.items())
    snippet = SNIPPET.format(runs=named, seeds=seeds, base=f", {compared.baseline!r}")
    return [Code(shlex.join(words)), Code(snippet)]
