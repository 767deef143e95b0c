"""Which engine, at which pace: the form of a live run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.live import LiveOptions
from driftsched.studio.live.model import model_fields
from driftsched.studio.live.state import LiveKey, LiveSetup, get_setup

__all__ = ["engine_setup"]

ENGINES = {"openai": "A server", "torch": "A model in this program"}
PRIORITIES = {
    "none": "Not sent",
    "lower_first": "Lower first (vLLM)",
    "higher_first": "Higher first (SGLang)",
}


def engine_setup() -> LiveOptions | None:
    """Draw the form; return the options, or None where they break a rule, which is then said."""
    setup = get_setup()
    with st.container(border=True):
        setup.kind = str(
            st.segmented_control(
                "Engine",
                list(ENGINES),
                default="openai",
                required=True,
                key=LiveKey.ENGINE,
                persist_state="session",
                format_func=ENGINES.__getitem__,
                help="A server speaks OpenAI's interface: vLLM, SGLang, llama.cpp and others. A "
                "model in this program is run by torch, on this machine's GPU or CPU.",
            )
        )
        fields = _server if setup.kind == "openai" else model_fields
        setup.engine = fields()
        _pace(setup)
    try:
        return setup.options()
    except InputError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _server() -> dict[str, Any]:
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    endpoints = left.text_input(
        "Addresses",
        "http://127.0.0.1:8000/v1",
        key=LiveKey.ENDPOINTS,
        persist_state="session",
        help="Base address of the server, up to /v1; several, set apart by commas, are replicas "
        "of one model. A key for them is read from the server's environment, never typed here.",
    )
    model = middle.text_input(
        "Model",
        "",
        key=LiveKey.MODEL,
        persist_state="session",
        placeholder="the first it lists",
        help="As the server names it.",
    )
    with right.popover("Interface", icon=":material/settings_ethernet:", width="stretch"):
        api = st.segmented_control(
            "Requests as",
            ("chat", "completions"),
            default="chat",
            required=True,
            key=LiveKey.API,
            persist_state="session",
            help="Chat applies the model's template; completions sends the bare prompt.",
        )
        priority = st.selectbox(
            "Priority in the request",
            list(PRIORITIES),
            key=LiveKey.PRIORITY,
            persist_state="session",
            format_func=PRIORITIES.__getitem__,
            help="Some servers order their own queue by a number in each request.",
        )
    addresses = tuple(address for address in endpoints.replace(",", " ").split() if address)
    return {
        "endpoints": addresses,
        "model": model.strip() or None,
        "api": api,
        "priority": priority,
    }


def _pace(setup: LiveSetup) -> None:
    columns = st.columns(4, vertical_alignment="bottom")
    setup.requests = int(
        columns[0].number_input(
            "Requests at most",
            1,
            1_000_000,
            60,
            step=20,
            key=LiveKey.REQUESTS,
            persist_state="session",
            help="The scenario's phases are shortened alike to about this many; one that lasts for "
            "a stated time keeps it.",
        )
    )
    scale = columns[1].number_input(
        "Time scale",
        0.01,
        1000.0,
        1.0,
        key=LiveKey.SCALE,
        persist_state="session",
        help="2 sends the requests half as fast as the scenario says, for a slower engine; users "
        "then think, wait and pause twice as long.",
    )
    slots = columns[2].number_input(
        "Requests in the engine",
        1,
        10_000,
        None,
        key=LiveKey.SLOTS,
        persist_state="session",
        placeholder="batch size",
        help="At most so many at once in each replica; the others wait in our queues, where the "
        "policy decides. Empty: the scenario's batch size, as far as the engine goes.",
    )
    with columns[3].popover("Limits", icon=":material/timer:", width="stretch"):
        limits = _limits()
    setup.pace = {
        "time_scale": scale,
        "slots": None if slots is None else int(slots),
    } | limits


def _limits() -> dict[str, Any]:
    timeout = st.number_input(
        "Give up a request after (s)",
        1.0,
        86_400.0,
        300.0,
        key=LiveKey.TIMEOUT,
        persist_state="session",
        help="From its dispatch to its last token; it then counts as timed out.",
    )
    temperature = st.number_input(
        "Temperature",
        0.0,
        2.0,
        0.7,
        step=0.1,
        key=LiveKey.TEMPERATURE,
        persist_state="session",
        help="Of the sampling; the paper's is 0.7.",
    )
    queue = st.toggle(
        "Let the engine queue",
        key=LiveKey.QUEUE,
        persist_state="session",
        help="Send every request at once with its priority, instead of holding them back.",
    )
    return {"timeout_s": timeout, "temperature": temperature, "engine_queue": queue}
