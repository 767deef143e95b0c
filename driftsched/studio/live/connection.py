"""The connection test: what an engine says it is, before anything is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.studio.live.state import LiveKey, get_setup
from driftsched.studio.live.task import connect
from driftsched.studio.waiting import result_of

if TYPE_CHECKING:
    from driftsched.live import EngineFacts, LiveOptions

__all__ = ["connection_test"]


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
    said = {
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
    known = [f"**{name}** {value}" for name, value in said.items() if value is not None]
    unknown = [name.lower() for name, value in said.items() if value is None]
    with st.container(border=True):
        st.markdown(":green[:material/check_circle:] Connected. " + " · ".join(known))
        if unknown:
            st.caption(f"It does not say: {', '.join(unknown)}.")
        for note in (*facts.notes, gpu):
            st.caption(note)
