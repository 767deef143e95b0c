"""What differs between the chosen runs: in a sentence, in pictures, in tables, to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.charts.comparison import (
    Compared,
    by_group,
    comparison_sections,
    figure_table,
    metric_rows,
)
from driftsched.charts.html_page import html_page, markdown_page
from driftsched.results import csv_text
from driftsched.results.percentiles import LATENCIES
from driftsched.results.wording import joined
from driftsched.scenario import Scenario
from driftsched.scheduling.policies import POLICIES
from driftsched.studio import work
from driftsched.studio.compare.choose import baseline_of
from driftsched.studio.downloads import csv_button, download
from driftsched.studio.explore.headline import plain_but_bold
from driftsched.studio.fields import AT_HAND, Beside
from driftsched.studio.run.headline import how_sure
from driftsched.studio.run.page import command_line
from driftsched.studio.show import chart
from driftsched.studio.state import Key, bound
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of

SEEDS = 10
MEASURES = {column: measure for measure, column in LATENCIES.items()}


def answer(view: View) -> None:
    """Draw what is known at once, and with intervals over replications once these are there."""
    said = st.container(key="compare-said")
    at_hand = _at_hand(view)
    asked = (view.runs, baseline_of(view))
    found = result_of(work.side_by_side, (*asked, 1, at_hand), slot="compare")
    if found is None:
        return
    _picture(found, f"latency-{view.metric}", "compare-latency")
    below, waiting = st.container(), st.container()
    if SEEDS * sum(map(work.expected_requests, at_hand.values())) <= work.MOST_IN_ONE_RUN:
        with waiting:
            surer = result_of(work.side_by_side, (*asked, SEEDS, at_hand), slot="compare-seeds")
        found = surer or found
    metric = f"p{view.level:g}_{MEASURES[view.metric]}_ms"
    said.markdown(plain_but_bold(found.sentence(metric)))
    with below:
        _tabs(found, view, metric)
    how_sure(found.how_sure)
    _take_along(found, view, metric)


def _at_hand(view: View) -> dict[str, Scenario]:
    """The scenario at hand under each policy that is chosen with it."""
    own = {spec.kind: spec for spec in (*view.tuned, view.effective.policy)}
    kinds = [run.removeprefix(AT_HAND) for run in view.runs if run.startswith(AT_HAND)]
    return {
        f"{AT_HAND}{kind}": view.effective.model_copy(
            update={"policy": own.get(kind) or POLICIES[kind](kind=kind)}
        )
        for kind in kinds
    }


def _picture(found: Compared, name: str, key: str) -> None:
    figure = found.figure(name)
    chart(figure, figure_table(figure), key)


def _tabs(found: Compared, view: View, metric: str) -> None:
    """Draw the tab that is open."""
    tabs = st.tabs([*Beside.names], **bound(Key.BESIDE_TAB))
    drawn = dict(zip(Beside.names, tabs, strict=True))
    with drawn[view.beside_tab]:
        if view.beside_tab == "Tenants":
            figure = found.changes(metric)
            chart(figure, figure_table(figure), "compare-changes")
            for scope in ("tenant", "category"):
                _table(by_group(found, scope, metric), f"compare-{scope}")
            _picture(found, f"tenants-{view.metric}", "compare-tenants")
            _picture(found, "fairness", "compare-fairness")
        elif view.beside_tab == "Over time":
            _picture(found, "queues", "compare-queues")
            _picture(found, "drift", "compare-drift")
        elif view.beside_tab == "Sizes":
            for place, (name, column) in enumerate(
                zip(found.colours, st.columns(min(len(found.colours), 2)) * 4, strict=False)
            ):
                with column:
                    st.markdown(plain_but_bold(name))
                    _picture(found, f"sizes-{name}", f"compare-sizes-{place}")
        elif view.beside_tab == "All":
            _table(metric_rows(found), "compare-all")
        elif len(found.differing):
            st.dataframe(found.differing)
        else:
            st.caption("The scenarios are the same.")


def _table(table: pd.DataFrame, name: str) -> None:
    st.dataframe(table, hide_index=True)
    csv_button(table, name, f"{name}-csv")


def _take_along(found: Compared, view: View, metric: str) -> None:
    """Offer the report, its Markdown, and all figures."""
    runs = {
        name: "" if run.startswith(AT_HAND) else run
        for name, run in zip(found.colours, view.runs, strict=True)
    }
    command = ""
    if not any(runs.values()):
        kinds = ",".join(run.removeprefix(AT_HAND) for run in view.runs)
        command = command_line(view.effective, view.preset, "compare")
        command += f" --policies {kinds} --seeds {found.seeds}"
    title = joined(list(found.colours))
    sections = comparison_sections(found, runs, metric, command)
    with st.container(horizontal=True, gap="small"):
        download(
            "Report (HTML)",
            lambda: html_page(title, sections).encode(),
            "comparison.html",
            "compare-report",
            "Figures and numbers on one page that opens without a network.",
        )
        download(
            "Summary (Markdown)",
            lambda: markdown_page(title, sections).encode(),
            "comparison.md",
            "compare-markdown",
            "The tables and words of the report.",
        )
        download(
            "Figures (CSV)",
            lambda: csv_text(found.table).encode(),
            "comparison.csv",
            "compare-csv",
            "Every figure of every run, tenant and category, with its interval.",
        )
