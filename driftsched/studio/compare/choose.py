"""Which runs are compared, with which, and by what."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.core.errors import DriftSchedError
from driftsched.results import RunLibrary
from driftsched.studio.fields import AT_HAND, MOST_RUNS
from driftsched.studio.show import problem
from driftsched.studio.state import Key, bound, change_view, choice
from driftsched.studio.view import View
from driftsched.studio.words import plain

NEWEST = 200
"""Saved runs that are offered; a link may name any."""


def baseline_of(view: View) -> str:
    """The run that the others are set beside: the one chosen, else the first."""
    return view.baseline if view.baseline in view.runs else view.runs[0]


def controls(view: View) -> None:
    """Draw the choice of runs, of the baseline, and of the latency that words and pictures show."""
    labels = _labels(view)
    st.multiselect(
        "Runs",
        list(labels),
        **bound(Key.RUNS, list(view.runs)),
        format_func=labels.__getitem__,
        max_selections=MOST_RUNS,
        placeholder="Saved, or at hand",
        help="Saved runs, the newest first, and the scenario at hand under each policy.",
    )
    if len(view.runs) < 2:
        return
    st.selectbox(
        "Baseline",
        list(view.runs),
        **bound(Key.BASELINE, baseline_of(view)),
        format_func=labels.__getitem__,
        help="Every difference is against this run.",
    )
    choice("Latency", Key.METRIC, "What the words and the curves are about.")
    choice("Percentile", Key.LEVEL, "Which requests: P50 the usual one, P99 one in a hundred.")


def _labels(view: View) -> dict[str, str]:
    """What may be chosen, and how it is called: at hand, saved, and whatever a link names."""
    own = view.effective.policy.kind
    kinds = dict.fromkeys((own, *view.policies))
    labels = {f"{AT_HAND}{kind}": f"{policy_label(kind)}, at hand" for kind in kinds}
    try:
        saved = RunLibrary().list()
    except DriftSchedError as error:
        problem(error)
        saved = pd.DataFrame()
    for row in saved.head(NEWEST).to_dict(orient="records"):
        if not row["damage"]:
            labels[row["run_id"]] = (
                f"{policy_label(row['policy'])}, {row['title']}, {row['saved_utc'][:16]}"
            )
    return labels | {
        run: policy_label(run[1:]) + ", at hand" if run.startswith(AT_HAND) else run
        for run in view.runs
        if run not in labels
    }


def nothing_yet(view: View) -> None:
    """Say how to come by something to compare, and offer the policies of the scenario at hand."""
    st.info(
        "Choose two runs or more. *Run* saves them, and has a button that leads here.",
        icon=":material/compare_arrows:",
    )
    title = plain(view.scenario.title or view.scenario.name)
    if st.button(f"Compare the policies of “{title}”", icon=":material/play_arrow:"):
        change_view(runs=tuple(f"{AT_HAND}{kind}" for kind in view.policies[:MOST_RUNS]))
        st.rerun()
