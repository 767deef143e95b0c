"""Recorded traffic: upload a file, choose how its rows become requests, see and fit it."""

from __future__ import annotations

from typing import get_args

import pandas as pd
import streamlit as st

from driftsched.charts import fit as fit_chart
from driftsched.core.errors import InputError
from driftsched.core.home import trace_path
from driftsched.scenario import (
    Scenario,
    TraceColumns,
    TraceSource,
    from_yaml,
    parse_scenario,
)
from driftsched.studio import work
from driftsched.studio.scenario_editor.draft import Data, Draft
from driftsched.studio.scenario_editor.form import edit_fields
from driftsched.studio.show import chart, problem
from driftsched.studio.state import change_view
from driftsched.studio.traces import (
    MAX_UPLOAD_MB,
    check_browser_scenario,
    is_stored_trace,
    store_trace,
)
from driftsched.studio.waiting import result_of
from driftsched.studio.words import plain
from driftsched.workload import TraceLook, look_at_trace

LISTED = 200
COLUMNS = {
    "time": "Time",
    "time_unit": "Unit of time",
    "prompt_tokens": "Prompt tokens",
    "output_tokens": "Answer tokens",
    "client": "Sender",
    "predicted_tokens": "Predicted tokens",
}
OPTIONAL = ("client", "predicted_tokens")
KEEP = {True: "This scenario's", False: "The file's clients, one category"}


def recorded(draft: Draft) -> None:
    """Edit the trace of a scenario."""
    trace: Data = draft.data.get("trace") or TraceSource(file="-").model_dump() | {"file": ""}
    uploaded = st.file_uploader(
        "Traffic file (CSV, JSON lines or JSON, also as gzip)",
        type=["csv", "tsv", "txt", "jsonl", "json", "gz"],
        key=draft.key("trace-upload"),
        max_upload_size=MAX_UPLOAD_MB,
        help="Known by their columns: Azure's traces, BurstGPT, the arena log, Mooncake, "
        "Qwen-Bailian, a vLLM benchmark result. Of any other table the columns are proposed, and "
        "you confirm them. The file is stored on this server under the hash of its content.",
    )
    if uploaded is not None:
        try:
            stored = store_trace(uploaded.getvalue())
        except InputError as error:
            problem(error)
        else:
            draft.uploads[stored] = uploaded.name
            trace = trace | {"file": stored}
    if trace["file"]:
        name = draft.uploads.get(trace["file"], trace["file"])
        st.caption(f":material/description: {plain(name)}")
    else:
        st.info(
            "Upload a traffic file; until then the former traffic stays in force.",
            icon=":material/upload_file:",
        )
    if is_stored_trace(trace["file"]):
        trace = _columns(draft, trace)
    st.markdown("**How rows become requests**")
    trace = edit_fields(draft, TraceSource, trace, "trace", skip=("file", "format", "columns"))
    draft.data["trace"] = trace
    if trace["file"]:
        _report(draft)


def _columns(draft: Draft, trace: Data) -> Data:
    """Take the format told from the file, or let the user confirm what its columns mean."""
    try:
        seen = _look(trace["file"])
    except InputError as error:
        problem(error)
        return trace
    if seen.format is not None:
        st.caption(f"Format: {seen.format}, told from the columns.")
        return trace | {"format": "auto", "columns": None}
    if not seen.names:
        return trace
    st.markdown("**What the columns mean**", help="Proposed from names and contents: confirm.")
    st.dataframe(pd.DataFrame(seen.rows[:5]), hide_index=True)
    st.caption(plain(" · ".join(seen.reasons)))
    proposed = trace.get("columns") or (seen.columns.model_dump() if seen.columns else {})
    columns: Data = {**proposed}
    for place, (name, shown) in zip(st.columns(len(COLUMNS)), COLUMNS.items(), strict=True):
        options = list(get_args(TraceColumns.model_fields["time_unit"].annotation))
        if name != "time_unit":
            options = [*([None] if name in OPTIONAL else []), *seen.names]
        value = proposed.get(name)
        columns[name] = place.selectbox(
            shown,
            options,
            index=options.index(value) if value in options else 0,
            key=draft.key(f"trace.columns.{trace['file']}.{name}"),
            format_func=lambda option: "(none)" if option is None else option,
        )
    return trace | {"format": "columns", "columns": columns}


@st.cache_data(max_entries=16, show_spinner=False)
def _look(name: str) -> TraceLook:
    return look_at_trace(trace_path(name))


def _report(draft: Draft) -> None:
    """Say what became of the rows; until they can be run, the former traffic stays in force."""
    draft.unread = False
    lenient = draft.data["trace"] | {"on_error": "skip"}
    try:
        scenario = parse_scenario(draft.data | {"phases": [], "trace": lenient})
        check_browser_scenario(scenario)
    except InputError:
        return  # the editor says what is wrong with a scenario
    found = result_of(work.trace_report, (scenario,), slot="trace-report")
    draft.unread = found is None
    if found is None:
        return
    numbers, rules, problems, count = found
    draft.unread = refused = count > 0 and draft.data["trace"]["on_error"] == "stop"
    if not refused:
        for column, (name, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
            column.metric(name, f"{value:,}")
        st.markdown("\n".join(f"- {plain(rule[:1].upper() + rule[1:])}." for rule in rules))
    if count:
        more = f" The first {LISTED} are listed." if count > LISTED else ""
        rest = f" Without them {numbers['Requests']:,} requests are left: skip broken rows."
        said = f"Broken fields: {count:,}." + more + (rest if refused else "")
        st.warning(said, icon=":material/rule:")
        st.dataframe(problems.head(LISTED), hide_index=True)
    if st.toggle(
        "Fit a scenario to it",
        key=draft.key("trace-fit"),
        help="Arrivals and lengths become processes with a few parameters, which can be changed, "
        "scaled and repeated with other seeds.",
    ):
        _fitted(draft, scenario)


def _fitted(draft: Draft, scenario: Scenario) -> None:
    """Offer to replace the trace by processes fitted to it."""
    keep = st.radio(
        "Tenants and categories",
        list(KEEP),
        key=draft.key("trace-fit-keep"),
        format_func=KEEP.__getitem__,
        horizontal=True,
    )
    found = result_of(work.trace_fit, (scenario, bool(keep)), slot="trace-fit")
    if found is None:
        return
    text, table, curves = found
    st.dataframe(table, hide_index=True)
    chart(fit_chart(curves), curves, "fit")
    if st.button(
        "Take the fitted scenario",
        key=draft.key("trace-fit-take"),
        icon=":material/auto_graph:",
        help="Replace the scenario: its traffic is drawn from then on, no longer read.",
    ):
        draft.take(from_yaml(text))
        change_view(scenario=draft.base)
        st.rerun()
