"""The scripts that we give the browser, by name: plotly.js, and our components' own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).resolve().parent
PARTS = ("plot.js", "picture.js", "live_view.js", "copy_link.js")
PLOTLY_JS = f"plotly-{version('plotly')}.min.js"


@cache
def script(name: str) -> bytes:
    """Return a script's content; a name stands for one content for ever.

    Raises
    ------
    KeyError
        Where we have no such script.
    """
    return {PLOTLY_JS: _plotly, OURS_JS: _ours}[name]()


def _plotly() -> bytes:
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def _ours() -> bytes:
    return "\n".join(text_of(part) for part in PARTS).replace("PLOTLY_JS", PLOTLY_JS, 1).encode()


def text_of(name: str) -> str:
    """Return one of our files for the browser."""
    return (HERE / name).read_text("utf-8")


def name_of(content: bytes) -> str:
    """Name of a script of ours; a changed one has another: browsers keep the old for a year."""
    return f"driftsched-{hashlib.sha256(content).hexdigest()[:12]}.js"


OURS_JS = name_of(_ours())


def component(export: str, name: str) -> Callable[..., Any]:
    """Register a component once a process: the files of that name, and what its script exports.

    Styles are not isolated: plotly.js puts its own into the document's head, where a shadow root
    would not see them.
    """
    lines = text_of("import.js").replace("SCRIPT_JS", OURS_JS).replace("COMPONENT", export)
    return st.components.v2.component(
        f"driftsched_{name}",
        html=text_of(f"{name}.html"),
        css=text_of(f"{name}.css"),
        js=lines,
        isolate_styles=False,
    )
