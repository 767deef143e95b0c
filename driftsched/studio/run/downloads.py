"""Everything about a run, to take along or to keep."""

from __future__ import annotations

import streamlit as st

from driftsched import TOP
from driftsched.charts.report import html_report, report_figures
from driftsched.core.errors import DriftSchedError
from driftsched.results import RunLibrary, RunResult, export_zip
from driftsched.scenario import to_yaml
from driftsched.studio.downloads import csv_button, download
from driftsched.studio.fields import MOST_RUNS
from driftsched.studio.show import problem
from driftsched.studio.state import Key, change_view, get_view
from driftsched.studio.words import plain

TABLES = ("requests", "queues", "gpus", "learning")


def take_along(result: RunResult, command: str, caption: str, run: str = "") -> None:
    """Draw the last part of a run's page: its files, and the command line that repeats it.

    `run` is what the Compare page calls the run; it is not offered there where that is empty.
    """
    st.header("Take it with you", anchor="downloads")
    _downloads(result, command, run)
    st.caption(caption)
    st.code(command, language="bash", wrap_lines=True)


def _downloads(result: RunResult, command: str, run: str) -> None:
    name = f"{result.scenario.name}-{result.scenario.policy.kind}-{result.scenario.seed}"
    with st.container(horizontal=True, gap="small"):
        download(
            "Everything (ZIP)",
            lambda: export_zip(result, command, _report(result, command)),
            f"{name}.zip",
            "run-zip",
            "Tables as CSV and Parquet, the paper's CSV files, the scenario, the report, and how "
            "to repeat the run.",
        )
        download(
            "Report (HTML)",
            lambda: _report(result, command).encode(),
            f"{name}.html",
            "run-report",
            "Figures and numbers on one page that opens without a network.",
        )
        download(
            "Scenario (YAML)",
            lambda: to_yaml(result.scenario).encode(),
            f"{name}.yaml",
            "run-scenario",
            "What was run, as a file that the Scenario page and the command line read.",
        )
        if st.button(
            "Save",
            key=Key.SAVE,
            icon=":material/bookmark_add:",
            help="Keep the run in this server's library; it is never changed afterwards.",
        ):
            _save(result)
        if run and st.button(
            "Compare",
            key=Key.COMPARE,
            icon=":material/compare_arrows:",
            help="Beside other runs, saved ones or those of other policies.",
        ):
            others = [one for one in get_view().runs if one != run]
            change_view(runs=(run, *others[: MOST_RUNS - 1]), baseline=run)
            st.switch_page(TOP / "pages" / "compare.py")
    _tables(result, name)


def _tables(result: RunResult, name: str) -> None:
    with st.expander("Single tables (CSV)", icon=":material/table:"):
        st.caption("Times are seconds since the run's start; the paper's own files are in the ZIP.")
        with st.container(horizontal=True, gap="medium"):
            for table in TABLES:
                file = f"{name}-{table}"
                csv_button(getattr(result, table), file, f"run-{table}", f"{table}.csv")


def _report(result: RunResult, command: str) -> str:
    return html_report(result, report_figures(result), command)


def _save(result: RunResult) -> None:
    try:
        run_id = RunLibrary().save(result, result.scenario.title)
    except DriftSchedError as error:
        problem(error)
    else:
        st.toast(f"Saved as {plain(run_id)}", icon=":material/bookmark_added:")
