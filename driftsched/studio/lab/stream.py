"""A stream of lengths and the compensators that follow it."""

from __future__ import annotations

import streamlit as st

from driftsched.charts import lab_course, lab_figures
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.experiments.lab_report import LabReport
from driftsched.studio import work
from driftsched.studio.show import chart
from driftsched.studio.state import Key, bound, choice
from driftsched.studio.view import View, labels
from driftsched.studio.waiting import result_of
from driftsched.studio.words import rules

STREAMS = 10
OWN, EMA = "own", "ema"
LEARNERS = [kind for kind in COMPENSATORS if kind != "oracle"]


def controls(view: View) -> None:
    """Draw what the stream is like, and who follows it."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        choice(
            "What drifts",
            Key.LAB_DRIFT,
            "Lengths are drawn, so that their true distribution is known; or they are those of the "
            "scenario, or trace, that the other pages show.",
            width=180,
        )
        own = view.lab_drift == OWN
        choice(
            "Spread",
            Key.LAB_SPREAD,
            "Standard deviation of ln length, within what can be known: the larger, the less.",
            width=110,
            disabled=own,
        )
        choice(
            "Effects",
            Key.LAB_EFFECT,
            "How far tenants are apart, in ln length, and the power of the prompt that answers "
            "grow with.",
            width=110,
            disabled=own,
        )
        choice(
            "Learnt",
            Key.LAB_LATE,
            "How many later requests are admitted before an answer's length is known.",
            width=130,
        )
        choice(
            "Detector",
            Key.LAB_DETECTOR,
            "Watches the errors; at its alarm a category's compensation begins anew.\n\n"
            + rules(DETECTORS),
            width=140,
        )
    st.pills(
        "Compensators",
        LEARNERS,
        **bound(Key.LAB_WITH, list(view.lab_with)),
        selection_mode="multi",
        wrap=True,
        format_func=lambda kind: COMPENSATORS[kind].label,
        help="The EMA is always beside them.\n\n"
        + rules({kind: COMPENSATORS[kind] for kind in LEARNERS}),
    )


def stream(view: View) -> LabReport | None:
    """Say what the streams say, and draw the first one's course."""
    settings = (view.lab_drift, view.lab_spread, view.lab_effect, view.lab_late, view.lab_detector)
    kinds = tuple(kind for kind in LEARNERS if kind in (*view.lab_with, EMA))
    own = (view.effective,) if view.lab_drift == OWN else ()
    report: LabReport | None = result_of(work.lab, (STREAMS, settings, kinds, *own), slot="lab")
    if report is None:
        return None
    from driftsched.experiments.lab_report import lab_says

    marks = (
        [] if report.jump is None else [(float(report.jump), labels("lab_drift")[view.lab_drift])]
    )
    st.markdown(lab_says(report))
    chart(lab_course(report.course, report.alarms, marks), report.course, "lab-course")
    return report


def how_near(report: LabReport) -> None:
    """Draw the figures of all streams, folded away."""
    with st.expander("How near, how soon, how sure", icon=":material/query_stats:"):
        chart(lab_figures(report.figures), report.figures, "lab-figures")
        low, high = (f"{100 * end:.1f}" for end in report.covered[1:])
        st.caption(
            f"A bound for nine answers in ten (conformal) held for {100 * report.covered[0]:.1f} % "
            f"({low}–{high}), in the worst window of 200 for {100 * report.worst:.0f} %. "
            f"{STREAMS} streams; 95 % intervals over them: Student's t, of “back” order statistics."
        )
