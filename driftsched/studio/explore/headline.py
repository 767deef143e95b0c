"""The answer: one sentence, a figure a policy, and what it is set beside."""

from __future__ import annotations

import re

import streamlit as st

from driftsched.charts.labels import policy_label
from driftsched.experiments import Figures
from driftsched.experiments.answer import Answer, answer
from driftsched.results.statistics import latency_verdict
from driftsched.results.wording import duration
from driftsched.scenario import preset_names
from driftsched.studio.focus import whom
from driftsched.studio.link import preset
from driftsched.studio.state import Key, get_view, set_view
from driftsched.studio.view import View
from driftsched.studio.words import between, plain

TAUGHT = "noisy-neighbour"


def tiles() -> None:
    """Draw three ways to begin."""
    with st.popover("What if…", icon=":material/help_center:"):
        st.radio(
            "Questions, each with a scenario",
            preset_names(),
            index=None,
            key=Key.QUESTION,
            on_change=lambda: set_view(get_view().with_preset(st.session_state[Key.QUESTION])),
            format_func=lambda name: plain(preset(name).question),
        )
    if st.button("Repeat the paper", icon=":material/article:", type="tertiary", key=Key.REPEAT):
        st.switch_page("pages/paper.py")
    if st.button("Teach", icon=":material/school:", type="tertiary", key=Key.TEACH):
        set_view(get_view().with_preset(TAUGHT))
        st.switch_page("pages/run.py")


def base_policy(view: View) -> str:
    """The scenario's own policy where it is compared, else the first."""
    own = view.scenario.policy.kind
    return own if own in view.policies else view.policies[0]


def asked(view: View, figures: Figures, before: Figures | None) -> Answer:
    """Answer the question from what is shown."""
    about = view.scenario.about
    alternative = about.alternative if view.pin is None else "the baseline"
    # a pinned state is set beside everything, but answers no question of policies
    against = before if about.against or not view.pin else None
    return answer(
        figures,
        against,
        about,
        policy=base_policy(view),
        whom=whom(view),
        metric=view.metric,
        level=view.level,
        alternative=alternative or "the alternative",
    )


def headline(view: View, figures: Figures, before: Figures | None, rho: float | None) -> None:
    """Draw the answer, then a figure of each policy and how it differs."""
    with st.container(key="answer"):
        st.markdown(plain_but_bold(asked(view, figures, before).text))
        if rho is not None and rho > 1:  # a queue grows as long as the traffic lasts
            st.caption(
                f"ρ {rho:.2g} is a backlog: more load only piles it up sooner, and where a policy "
                "has more to choose from a median may even fall."
            )
    changes = view.differs(view.before) if before is not None and view.before is not None else []
    first = figures.ensemble.policies[0]
    with st.container(horizontal=True, gap="small", key="cards"):
        for policy in figures.ensemble.policies:
            _card(figures, before, policy, view, first)
    if changes:
        st.caption(f":material/keep: Baseline → now: {plain('; '.join(changes))}")


def _card(figures: Figures, before: Figures | None, policy: str, view: View, first: str) -> None:
    """A policy's figure, its change (coloured where it is significant), and its interval."""
    found = figures.pool(policy, view.metric, "focus").percentile(view.level)
    change = None
    if before is not None or policy != first:
        (change,) = figures.changes(policy, view.metric, [view.level], "focus", before=before)
    said = latency_verdict(change) if change else ""
    said = said.replace("no difference can be told", "no difference")
    clear = change is not None and change.significant
    less = change is not None and change.mean < 0
    ends = between(found.low, found.high)
    st.metric(
        policy_label(policy) + (f", {ends}" if ends else ""),
        duration(found.value),
        said or "–",
        delta_color=("green" if less else "red") if clear else "off",
        delta_arrow=("down" if less else "up") if clear else "off",
        border=True,
        height="stretch",
        width="stretch",
    )


def plain_but_bold(text: str) -> str:
    """Text that may hold names of somebody else's; what stands between two stars stays bold."""
    parts = (re.split(r"(^\s|\s$)", part) for part in text.split("**"))
    return "**".join("".join(each if each.isspace() else plain(each) for each in p) for p in parts)
