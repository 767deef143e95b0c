"""The form of the in-process model: one this server offers, or random weights of a chosen size."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from driftsched.studio.live.state import LiveKey

__all__ = ["MODELS", "model_fields", "offered_models"]

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
