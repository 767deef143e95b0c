"""Recorded traffic: upload a file, choose how its rows become requests, see what came of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from driftsched.errors import InputError
from driftsched.scenario import Scenario, TraceSource, parse_scenario
from driftsched.studio.scenario_editor.draft import Data
from driftsched.studio.scenario_editor.edit import Edit
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.traces import MAX_UPLOAD_MB, check_browser_scenario, store_trace
from driftsched.workload import import_trace

__all__ = ["recorded"]

LISTED = 200


def recorded(edit: Edit) -> None:
    """Edit the trace of a scenario."""
    trace: Data = edit.data.get("trace") or TraceSource(file="-").model_dump() | {"file": ""}
    uploaded = st.file_uploader(
        "Traffic file (CSV)",
        type=["csv"],
        key=edit.draft.key("trace-upload"),
        max_upload_size=MAX_UPLOAD_MB,
        help="Columns TIMESTAMP, ContextTokens, GeneratedTokens, as in Azure's public traces. "
        "The file is stored on this server under the hash of its content.",
    )
    if uploaded is not None:
        try:
            path = str(store_trace(uploaded.getvalue()))
        except InputError as error:
            st.error(str(error), icon=":material/error:")
        else:
            edit.draft.uploads[path] = uploaded.name
            trace = trace | {"file": path}
    if trace["file"]:
        name = edit.draft.uploads.get(trace["file"], Path(trace["file"]).name)
        st.caption(f":material/description: {name}")
    else:
        st.info("Upload a traffic file to go on.", icon=":material/upload_file:")
    st.markdown("**How rows become requests**")
    trace = edit_fields(edit.draft, TraceSource, trace, "trace", skip=("file", "format", "columns"))
    edit.data["trace"] = trace
    if trace["file"]:
        _report(edit)


def _report(edit: Edit) -> None:
    lenient = edit.data["trace"] | {"on_error": "skip"}
    try:
        scenario = parse_scenario(edit.data | {"phases": [], "trace": lenient})
        check_browser_scenario(scenario)
        with st.spinner("Reading the file…"):
            report = _read(scenario.model_dump_json(by_alias=True))
    except InputError as error:
        st.error(str(error), icon=":material/error:")
        return
    numbers, rules, problems = report
    for column, (name, value) in zip(st.columns(4), numbers.items(), strict=True):
        column.metric(name, f"{value:,}")
    st.markdown("\n".join(f"- {rule[:1].upper()}{rule[1:]}." for rule in rules))
    if len(problems):
        more = f"; the first {LISTED} are listed" if len(problems) > LISTED else ""
        st.warning(f"{len(problems):,} broken fields{more}.", icon=":material/rule:")
        st.dataframe(problems.head(LISTED), hide_index=True)


@st.cache_data(max_entries=16, show_spinner=False)
def _read(scenario_json: str) -> tuple[dict[str, int], tuple[str, ...], pd.DataFrame]:
    scenario = Scenario.model_validate_json(scenario_json)
    assert scenario.trace is not None
    report = import_trace(scenario, Path(scenario.trace.file))
    numbers = {
        "Rows read": report.rows_read,
        "Requests": report.rows_taken,
        "Left out": report.rows_skipped,
        "Cut to the context": report.rows_cut,
    }
    problems = pd.DataFrame(
        [(p.line, p.column, p.message, p.value[:60]) for p in report.problems],
        columns=["Line", "Column", "Problem", "Value"],
    )
    return numbers, report.rules, problems
