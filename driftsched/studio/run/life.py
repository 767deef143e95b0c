"""One request's life: when it came, what was estimated, who went before it and why."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.experiments.life import Life
from driftsched.results.tables import RunResult
from driftsched.results.wording import counted, duration
from driftsched.scenario import Scenario
from driftsched.studio import work
from driftsched.studio.downloads import csv_button
from driftsched.studio.state import Key, bound, change_view, get_view
from driftsched.studio.waiting import result_of
from driftsched.studio.words import choice_label, plain

LISTED = 500


def take_request(key: str) -> None:
    """Look at the request that was clicked in the live view of this key."""
    clicked = st.session_state[key].get("request")
    if clicked is not None:
        change_view(request=int(clicked))


def one_life(result: RunResult) -> None:
    """Draw the choice of a request, and the story of the chosen one."""
    st.header("One request's life", anchor="life")
    most = len(result.requests) - 1
    chosen = get_view().request
    st.number_input(
        "Request",
        min_value=0,
        max_value=most,
        **bound(Key.REQUEST, None if chosen is None else min(chosen, most)),
        placeholder="Its id, or click a bar of the latencies above",
        width=400,
    )
    if chosen is None:
        return
    found = result_of(work.one_life, (result.scenario, str(min(chosen, most))), slot="life")
    if found is not None:
        _told(result.scenario, found)


def _told(scenario: Scenario, told: Life) -> None:
    st.markdown("\n".join(f"- {line}" for line in sentences(scenario, told)))
    if told.ahead.empty:
        return
    scored = "its tenant's score" if told.by_tenant else "its score"
    table = told.ahead.rename(
        columns={
            "time_s": "Chosen at (s)",
            "request_id": "Request",
            "tenant": "Tenant",
            "category": "Category",
            "arrival_s": "Came (s)",
            "score": "Score",
            "own_score": f"Beside it: {scored}",
        }
    )
    st.dataframe(table.tail(LISTED), hide_index=True, height=240)
    policy = scenario.policy
    st.caption(f"The lowest score goes first. {policy.label}: {plain(policy.rule)}.")
    csv_button(told.ahead, f"request-{told.request['request_id']}-before", "life-csv")


def sentences(scenario: Scenario, told: Life) -> list[str]:
    """The story, a Markdown line each."""
    row, unit = told.request, scenario.estimator.unit
    category, taken = str(row["category"]), str(row["predicted_category"])
    said = [
        f"**Came** at {row['arrival_s']:.1f} s from {plain(row['tenant'])}, {plain(category)}"
        + ("" if category == taken else f", taken for {plain(taken)}"),
        f"**Estimated** at {row['estimated_output_tokens']:,} {unit}: {row['base_tokens']:,} × "
        f"{row['bias']:.3g} ({choice_label(scenario.estimator.compensator.kind)}) × "
        f"{row['safety_factor']:g} (safety) × {row['input_factor']:.3g} (input)",
    ]
    if not told.ahead.empty:
        others = told.ahead[told.ahead["request_id"] != row["request_id"]]
        later = int((others["arrival_s"] > row["arrival_s"]).sum())
        waited = row["queue_wait_s"]
        said.append(
            f"**Waited** {duration(waited)}; {len(others):,} were served before it, {later:,} of "
            "which had come later"
        )
    if row["preemptions"]:
        said.append(f"**Interrupted** {counted(row['preemptions'], 'time')}")
    said.append(f"**{str(row['status']).replace('_', ' ').capitalize()}** {_end(row)}")
    if told.taught is not None:
        taught = told.taught
        said.append(
            f"**Taught**: the compensation of {plain(taught['key'])} went from "
            f"{taught['old_bias']:.3g} to {taught['bias']:.3g}"
        )
    for other, took in told.without.itertuples(index=False):
        if isfinite(took):
            ends = row["arrival_s"] + took
            sooner = row["e2e_s"] - took
            word = "sooner" if sooner >= 0 else "later"
            said.append(
                f"**Without {plain(other)}** it would have taken {duration(took)} and, coming at "
                f"the same time, finished at {ends:.1f} s: {duration(abs(sooner))} {word}"
            )
    return said


def _end(row: pd.Series[Any]) -> str:
    if row["status"] != "finished":
        return f"at {row['finish_s']:.1f} s: {plain(row['reason'])}"
    return f"at {row['finish_s']:.1f} s with {row['output_tokens']:,} tokens"
