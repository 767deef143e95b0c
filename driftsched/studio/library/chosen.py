"""The runs that are chosen: their picture, what is said of them, what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from driftsched.charts import runs_cdf
from driftsched.charts.labels import policy_label
from driftsched.core.errors import DriftSchedError, InputError
from driftsched.results import RunLibrary
from driftsched.results.cards import MAX_NOTES, MAX_TITLE
from driftsched.results.wording import counted
from driftsched.studio.downloads import download
from driftsched.studio.jobs import State
from driftsched.studio.library.tasks import saved_latencies, saved_report, saved_zip, without_home
from driftsched.studio.show import chart, problem
from driftsched.studio.state import change_view, get_view, set_view
from driftsched.studio.traces import check_browser_scenario
from driftsched.studio.view import KNOBS, View
from driftsched.studio.waiting import pool, result_of, session_name, work_key
from driftsched.studio.words import plain

HEIGHT = 340
"""Of the picture, so that the table is in sight below it."""
PATIENCE_S = 300.0
"""So long a file is waited for."""
MOST = 6
"""Curves in one picture."""
DELETED = "library-deleted"


def picture(runs: pd.DataFrame, *, any_at_all: bool) -> None:
    """Draw the latencies of the chosen runs, of six at most, or say how runs come here."""
    if not any_at_all:
        st.info(
            "No run is kept yet. *Save* at the end of the page Run keeps one, and so does "
            "`driftsched run --save`; live runs are kept by themselves.",
            icon=":material/bookmark_add:",
        )
        st.page_link("pages/run.py", label="To the page Run", icon=":material/play_circle:")
        return
    whole = runs[runs["damage"] == ""]
    drawn = whole.head(MOST)
    if drawn.empty:
        st.caption("Choose one or more runs by the boxes at their left.")
        return
    if len(whole) > MOST:
        st.caption(f"The first {MOST} of {len(whole)} that are chosen.")
    with st.container(key="library-picture"):
        _curves(drawn)


def _curves(drawn: pd.DataFrame) -> None:
    tables = result_of(saved_latencies, (tuple(drawn["run_id"]),), slot="library")
    if tables is not None:
        curves = dict(zip(_names(drawn), tables, strict=True))
        data = pd.concat([table.assign(run=name) for name, table in curves.items()])
        figure = runs_cdf(curves)
        figure.layout.height = HEIGHT
        chart(figure, data[["run", "status", "e2e_s"]], "saved-runs")


def _names(runs: pd.DataFrame) -> Sequence[str]:
    """What each run is called in the picture, no two alike."""
    policies = runs["policy"].map(policy_label)
    names = [*(runs["title"].str[:40] + ", " + policies)]
    ends = runs["run_id"].str[-8:]
    return [
        f"{name} ({end})" if names.count(name) > 1 else name
        for name, end in zip(names, ends, strict=True)
    ]


def panel(library: RunLibrary, runs: pd.DataFrame) -> None:
    """Draw what is said of the runs, and what can be done with them."""
    undo(library)
    ids = list(runs["run_id"])
    if not ids:
        return
    if len(ids) > 1:
        st.markdown(f"**{len(ids)} runs**")
        whole = list(runs.loc[runs["damage"] == "", "run_id"])
        if st.button(
            "Compare",
            icon=":material/compare_arrows:",
            disabled=len(whole) < 2,
            help=f"Side by side, the newest {MOST} of them.",
        ):
            change_view(runs=tuple(whole[:MOST]), baseline="")
            st.switch_page("pages/compare.py")
        _tag(library, ids)
    else:
        row = runs.iloc[0]
        if row["damage"]:
            problem(without_home(row["damage"]))
        else:
            _one(library, row)
    if st.button("Delete", icon=":material/delete:", help="Deleted runs can be restored."):
        _done(lambda: library.delete(*ids), **{DELETED: ids})


def _one(library: RunLibrary, row: pd.Series) -> None:
    run_id = row["run_id"]
    st.markdown(f"**{plain(row['title'])}**")
    facts = (row["scenario"], policy_label(row["policy"]), row["engine"], f"seed {row['seed']}")
    st.caption(f"{plain(', '.join(facts))}, {counted(int(row['requests']), 'request')}")
    if row["tags"]:
        st.caption(" ".join(f":material/label: {plain(tag)}" for tag in row["tags"]))
    for line in row["notes"].splitlines()[:12]:
        st.markdown(plain(line))
    with st.popover("Title, tags, notes", icon=":material/edit:"):
        _label(library, row)
    if st.button(
        "Open",
        key="library-open",
        icon=":material/play_circle:",
        help="Take its scenario, and run it again on the page Run.",
    ):
        _open(library, run_id)
    with st.container(horizontal=True, gap="small"):
        for name, ending, make, said in (
            ("ZIP", "zip", saved_zip, "Everything about the run; Import reads it again."),
            ("Report", "html", saved_report, "Figures and numbers on one page."),
        ):
            download(name, _file(make, run_id), f"{run_id}.{ending}", f"library-{name}", said)


def _file(make: Callable[..., bytes], run_id: str) -> Callable[[], bytes]:
    """What makes a file of a run in the pool, once it is asked for."""
    owner = f"{session_name()}/download"

    def made() -> bytes:
        job = pool().submit(make, (run_id,), work_key(make, (run_id,)), owner)
        job.wait(PATIENCE_S)
        if job.state != State.DONE:
            raise InputError(job.error or "it was stopped")
        return bytes(job.result)

    return made


def _label(library: RunLibrary, row: pd.Series) -> None:
    run_id = row["run_id"]
    with st.form(f"label-{run_id}", border=False):
        title = st.text_input("Title", row["title"], max_chars=MAX_TITLE)
        tags = st.text_input("Tags", " ".join(row["tags"]), help="Words, with spaces between.")
        notes = st.text_area("Notes", row["notes"], max_chars=MAX_NOTES)
        if st.form_submit_button("Keep", icon=":material/bookmark_added:"):
            fields = {"title": title, "tags": tags.split(), "notes": notes}
            _done(lambda: library.label(run_id, **fields))


def _tag(library: RunLibrary, ids: Sequence[str]) -> None:
    with st.form("tag", border=False):
        tags = st.text_input("Tags for all of them", help="Words, with spaces between.").split()
        if st.form_submit_button("Add", icon=":material/label:") and tags:
            _done(lambda: [library.tag(run_id, *tags) for run_id in ids])


def _open(library: RunLibrary, run_id: str) -> None:
    try:
        scenario = check_browser_scenario(library.scenario(run_id))
    except DriftSchedError as error:
        problem(without_home(error))
        return
    usual = {name: View.model_fields[name].default for name in (*KNOBS, "tenant", "pin", "world")}
    set_view(get_view().changed(scenario=scenario, tuned=(), **usual))
    st.switch_page("pages/run.py")


def undo(library: RunLibrary) -> None:
    """Offer to take back what this session has just deleted."""
    if not (ids := st.session_state.get(DELETED)):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{counted(len(ids), 'run')} deleted.")
        if st.button("Undo", icon=":material/undo:", type="tertiary"):
            _done(lambda: library.restore(*ids), **{DELETED: None})


def _done(act: Callable[[], object], **noted: object) -> None:
    """Do it and draw the page anew, or say why it cannot be done."""
    try:
        act()
    except DriftSchedError as error:
        problem(without_home(error))
        return
    st.session_state.update(noted)
    st.rerun()
