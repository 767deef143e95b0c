"""Which engine, at which pace: the form of a live run."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.live import LiveOptions
from driftsched.live.openai_options import ALLOWED, OpenAIOptions, offered_endpoints
from driftsched.serving.catalogue import MODELS
from driftsched.studio.live.state import (
    MOST_REQUESTS,
    LiveKey,
    LiveSetup,
    any_address,
    get_setup,
    remember,
)
from driftsched.studio.scenario_editor.form import edit_fields
from driftsched.studio.show import problem

ENGINES = {"openai": "A server", "torch": "A model in this program"}


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
        setup.engine = _server(setup) if setup.kind == "openai" else model_fields()
        _pace(setup)
    try:
        options = setup.options()
    except InputError as error:
        problem(error)
        return None
    remember(setup, options)
    return options


def _server(setup: LiveSetup) -> dict[str, Any]:
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    server = partial(edit_fields, setup.form, OpenAIOptions, path="openai")
    with left:
        if any_address():
            setup.server = server(setup.server, only=("endpoints", "model"), columns=2)
        else:
            setup.server["endpoints"] = _offered(setup)
            setup.server = server(setup.server, only=("model",), columns=1)
    with right.popover("Interface", icon=":material/settings_ethernet:", width="stretch"):
        setup.server = server(setup.server, only=("api", "priority"), columns=1)
    return setup.server


def _offered(setup: LiveSetup) -> list[str]:
    """Choose among the endpoints that the operator names."""
    offered = offered_endpoints()
    before = [one for one in setup.server.get("endpoints") or () if one in offered]
    return st.multiselect(
        "Addresses",
        offered,
        default=before or offered[:1],
        key=LiveKey.ENDPOINTS,
        persist_state="session",
        help="Several are replicas of one model. Which ones are offered, and their keys, is set on "
        f"the server ({ALLOWED}).",
    )


def _pace(setup: LiveSetup) -> None:
    left, middle, right = st.columns([1, 2, 1], vertical_alignment="bottom")
    with left:
        setup.requests = st.number_input(
            "Requests at most",
            1,
            MOST_REQUESTS,
            setup.requests,
            step=20,
            key=LiveKey.REQUESTS,
            help="The scenario's phases are shortened alike to about this many; one that lasts for "
            "a stated time keeps it.",
        )
    pace = partial(edit_fields, setup.form, LiveOptions, path="pace")
    with middle:
        setup.pace = pace(setup.pace, only=("time_scale", "slots"), columns=2)
    with right.popover("Limits", icon=":material/timer:", width="stretch"):
        limits = ("timeout_s", "temperature", "engine_queue")
        setup.pace = pace(setup.pace, only=limits, columns=1)


ALLOWED_MODELS = "DRIFTSCHED_MODELS"
"""Environment variable: hub names, folders or GGUF files that visitors may load, separated by
commas; "*" lets them name any. Unset: random weights only, since a path is a file of the server.
"""
RANDOM = "Random weights"


def _like(name: str, intermediate: int, vocabulary: int) -> dict[str, int]:
    """Shape of a model of the catalogue, with what that need not know of it."""
    model = MODELS[name]
    shape = {what: getattr(model, what) for what in ("layers", "hidden", "heads", "kv_heads")}
    return shape | {"intermediate": intermediate, "vocabulary": vocabulary}


SIZES: dict[str, dict[str, int]] = {
    "4 M parameters (any machine)": {"layers": 4, "hidden": 256, "heads": 4},
    "135 M, like SmolLM2": _like("smollm2-135m", 1536, 49_152),
    "1.8 B, like Qwen1.5-1.8B": _like("qwen1.5-1.8b", 5504, 151_936),
    "8 B, like Llama-3-8B": _like("llama-3-8b", 14_336, 128_256),
}


def offered_models() -> list[str]:
    """What the server's owner lets visitors load."""
    return [name.strip() for name in os.environ.get(ALLOWED_MODELS, "").split(",") if name.strip()]


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
        f"the scenario draws. Which others are offered is set on the server ({ALLOWED_MODELS}).",
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
