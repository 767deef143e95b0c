"""Which engine, at which pace: the form of a live run."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.live import LiveOptions
from driftsched.studio.live.state import LiveKey, LiveSetup, get_setup

__all__ = ["MODELS", "RANDOM", "engine_setup", "offered_models"]

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


MODELS = "DRIFTSCHED_MODELS"
"""Environment variable: hub names, folders or GGUF files that visitors may load, separated by
commas; "*" lets them name any. Unset: random weights only, since a path is a file of the server.
"""
RANDOM = "Random weights"
SIZES: dict[str, dict[str, int]] = {
    "4 M parameters (any machine)": {"layers": 4, "hidden": 256, "heads": 4},
    "135 M, like SmolLM2": {
        "layers": 30,
        "hidden": 576,
        "heads": 9,
        "kv_heads": 3,
        "intermediate": 1536,
        "vocabulary": 49_152,
    },
    "1.8 B, like Qwen1.5-1.8B": {
        "layers": 24,
        "hidden": 2048,
        "heads": 16,
        "intermediate": 5504,
        "vocabulary": 151_936,
    },
    "8 B, like Llama-3-8B": {
        "layers": 32,
        "hidden": 4096,
        "heads": 32,
        "kv_heads": 8,
        "intermediate": 14_336,
        "vocabulary": 128_256,
    },
}


def offered_models() -> list[str]:
    """What the server's owner lets visitors load."""
    return [name.strip() for name in os.environ.get(MODELS, "").split(",") if name.strip()]


def model_fields() -> dict[str, Any]:
    """Draw the fields; return the engine's parameters."""
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    offered = offered_models()
    names = [RANDOM, *(name for name in offered if name != "*")]
    chosen = left.selectbox(
        "Weights",
        names,
        key=LiveKey.WEIGHTS,
        persist_state="session",
        accept_new_options="*" in offered,
        help="Random weights cost what trained ones cost; the answers then have the lengths that "
        f"the scenario draws. Which others are offered is set on the server ({MODELS}).",
    )
    model = None if chosen == RANDOM else str(chosen).strip()
    size = next(iter(SIZES))
    if model is None:
        size = middle.selectbox(
            "Size",
            list(SIZES),
            key=LiveKey.SIZE,
            persist_state="session",
            help="Layers, width and vocabulary of a known model.",
        )
    device = right.selectbox(
        "Device",
        ("auto", "cuda", "cpu"),
        key=LiveKey.DEVICE,
        persist_state="session",
        format_func={"auto": "GPU if there is one", "cuda": "GPU", "cpu": "CPU"}.__getitem__,
        help="Where the model runs.",
    )
    return {"model": model, "device": device} | ({"random": SIZES[size]} if model is None else {})
