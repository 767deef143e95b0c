"""Test an engine, start and stop: one live run at a time on each."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime import get_instance

from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.live import EngineFacts, LiveOptions
from driftsched.live.traffic import left_out
from driftsched.results.wording import duration
from driftsched.scenario import Scenario
from driftsched.studio.live.runs import LiveJob, live_runs
from driftsched.studio.live.state import LiveKey, get_setup, limited
from driftsched.studio.live.task import connect, live_run
from driftsched.studio.show import problem
from driftsched.studio.waiting import result_of, session_name
from driftsched.studio.words import plain
from driftsched.studio.work import check_amount, expected_requests


def connection_test(options: LiveOptions) -> None:
    """Draw the button, and what the last test of these options found."""
    setup = get_setup()
    if st.button(
        "Test the connection",
        key=LiveKey.TEST,
        icon=":material/network_check:",
        help="Opens the engine, asks what it is, and closes it again.",
    ):
        setup.tested = options.engine
        setup.tests += 1
    if setup.tested != options.engine:
        return
    found = result_of(connect, (options, setup.tests), slot="connection")
    if found is not None:
        _found(*found)


def _found(facts: EngineFacts, gpu: str) -> None:
    facts_by_name = {
        "Model": facts.model,
        "Server": facts.server,
        "Replicas": facts.replicas,
        "Slots": facts.slots,
        "Context": None if facts.context_tokens is None else f"{facts.context_tokens:,} tokens",
        "KV cache": None
        if facts.kv_capacity_tokens is None
        else f"{facts.kv_capacity_tokens:,} tokens",
        "GPU": facts.gpu,
        "Its own figures": ", ".join(facts.metrics) or None,
    }
    known = [
        f"**{name}** {plain(value)}" for name, value in facts_by_name.items() if value is not None
    ]
    unknown = [name.lower() for name, value in facts_by_name.items() if value is None]
    with st.container(border=True):
        st.markdown(":green[:material/check_circle:] Connected. " + " · ".join(known))
        if unknown:
            st.caption(f"It does not say: {', '.join(unknown)}.")
        for note in (*facts.notes, gpu):
            st.caption(plain(note))


def start_button(scenario: Scenario, options: LiveOptions) -> None:
    """Draw the button that starts the scenario on the engine, and say what it will send."""
    setup = get_setup()
    shortened = limited(scenario, setup.requests)
    holder = live_runs().holder(engine_names(options))
    left, right = st.columns([1, 3], vertical_alignment="center")
    if left.button(
        "Start the run",
        key=LiveKey.START,
        type="primary",
        icon=":material/play_arrow:",
        disabled=holder is not None,
        width="stretch",
        help="Sends real requests to the engine, in real time.",
    ):
        _start(shortened, options)
    right.caption(_held(holder) if holder else _what_is_sent(shortened, options))


def _what_is_sent(scenario: Scenario, options: LiveOptions) -> str:
    policy = policy_label(scenario.policy.kind)
    named = f"**{plain(scenario.title or scenario.name)}** under **{policy}**"
    rest = "The policy and the rest of the scenario are those of the sidebar and the Scenario page."
    if unmet := left_out(scenario):
        rest = f"{rest} {plain(unmet)}"
    if not scenario.phases:
        return f"{named}, from its recorded traffic. {rest}"
    requests = expected_requests(scenario)
    seconds = sum(
        phase.expected_requests / phase.rate_rps for phase in scenario.phases if phase.rate_rps
    )
    span = duration(seconds * options.time_scale)
    return f"{named}: about {requests:,.0f} requests, sent over {span}. {rest}"


def _held(job: LiveJob) -> str:
    mine = "you" if job.owner == session_name() else "another visitor"
    return (
        f":material/lock: {plain(', '.join(job.engines))} is in use: {mine} started "
        f"“{plain(job.title)}” at {job.started:%H:%M} UTC. It can be watched below."
    )


def _start(scenario: Scenario, options: LiveOptions) -> None:
    title = f"{scenario.title or scenario.name}, {policy_label(scenario.policy.kind)}, live"
    try:
        check_amount((scenario,))
        job = live_runs().start(
            live_run,
            (scenario, options),
            title=title,
            engines=engine_names(options),
            owner=session_name(),
        )
    except InputError as error:
        problem(error, icon="lock")
        return
    st.session_state[LiveKey.WATCHED] = job.key
    st.rerun()


def engine_names(options: LiveOptions) -> tuple[str, ...]:
    """What a run with these options holds: the endpoints, or this machine's torch."""
    return tuple(getattr(options.engine, "endpoints", ("torch on this machine",)))


def stop_button(job: LiveJob) -> None:
    """Draw the button that ends a run; what it measured stays."""
    allowed = may_stop(job)
    if st.button(
        "Stopping…" if job.stopping else "Stop",
        key=LiveKey.STOP,
        icon=":material/stop:",
        disabled=job.stopping or not allowed,
        help="Ends the run within a second; what was measured stays."
        if allowed
        else "Only who started it can stop it, while that page is open.",
    ):
        live_runs().stop(job)
        st.rerun(scope="fragment")


def may_stop(job: LiveJob) -> bool:
    """Whether this session may end the run: its own, or one whose session has gone."""
    return job.owner == session_name() or not get_instance().is_active_session(job.owner)
