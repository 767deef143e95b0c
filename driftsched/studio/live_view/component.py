"""The Streamlit component that keeps its plots over reruns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from driftsched.studio.front_end import Script

__all__ = ["live_view", "resend_wanted"]

HERE = Path(__file__).resolve().parent
NAME = "driftsched_live_view"
SCRIPT = Script(HERE / "live_view.js")
Payload = dict[str, Any]


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


# Registered where the module is imported, that is once a process: Python's import lock keeps a
# second session out, and a runtime that did not see it (AppTest) is told at the first mount.
# Styles are not isolated: plotly.js puts its own into the document's head, where a shadow root
# would not see them.
_component = st.components.v2.component(
    NAME,
    html=_text("live_view.html"),
    css=_text("live_view.css"),
    js=SCRIPT.lines,
    isolate_styles=False,
)


def live_view(payload: Payload, *, key: str, height: int = 720) -> None:
    """Show a run: play it when it is recorded, follow it while it is live.

    Call it with one key on every rerun, at the same place: the plots then stay mounted, and zoom
    and playing survive.

    Parameters
    ----------
    payload : dict
        From `run_payload`, or `live_payload` for a run that still grows.
    key : str
        The component's key; also that of `resend_wanted`.
    height : int
        Of the four plots together, in pixels, when there is room for two columns.
    """
    _component(key=key, data={"height": height, "payload": payload}, on_resend_change=_noted)


def resend_wanted(key: str) -> bool:
    """Tell whether the browser lacks a part of the live run, after a reload for example.

    Ask before `live_view` is called; if so, call it with ``since_s=None`` this time.

    Parameters
    ----------
    key : str
        That of `live_view`.
    """
    state = st.session_state.get(key)
    return bool(state and state.get("resend"))


def _noted() -> None:
    """Make ``resend`` a trigger of the component; the script itself reads it."""
