"""A finished chart on a page: one plot that stays mounted and is given new figures.

`st.plotly_chart` mounts each chart anew when its figure changes: zoom and hidden lines are lost, a
page of ten charts is busy for a second and a half, and shows nothing else meanwhile. This component
keeps its plots, draws those in sight first, and the others when nothing else is to be done.

>>> from driftsched.studio.picture import picture
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from driftsched.studio.front_end import Script

__all__ = ["picture"]

HERE = Path(__file__).resolve().parent
SCRIPT = Script(HERE / "picture.js")

# Registered once a process, styles not isolated: as the live view's component.
_component = st.components.v2.component(
    "driftsched_picture",
    html=(HERE / "picture.html").read_text(encoding="utf-8"),
    css=(HERE / "picture.css").read_text(encoding="utf-8"),
    js=SCRIPT.lines,
    isolate_styles=False,
)


def picture(figure: go.Figure, *, alt: str, config: dict[str, Any], key: str) -> None:
    """Show a figure; call it with one key on every rerun, and the plot stays.

    Parameters
    ----------
    figure : Figure
        Its layout has a height, in pixels.
    alt : str
        Read out instead of the picture.
    config : dict
        Of plotly.js: which buttons, what an image download is like.
    key : str
        Unique on the page.
    """
    head = {"alt": alt, "height": figure.layout.height, "config": config}
    # the figure is text already; as bytes it is neither taken apart nor quoted once more
    text = f'{json.dumps(head)[:-1]}, "figure": {figure.to_json(validate=False)}}}'
    _component(key=f"picture-{key}", data=text.encode())
