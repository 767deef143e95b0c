"""A finished chart on a page: the picture, what to look at, its numbers.

`st.plotly_chart` mounts each chart anew when its figure changes: zoom and hidden lines are lost, a
page of ten charts is busy for a second and a half, and shows nothing else meanwhile. Our component
keeps its plots, draws those in sight first, and the others when nothing else is to be done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from driftsched.charts import held, main_figures, with_ghost
from driftsched.charts.theme import look_at, modebar
from driftsched.experiments import Figures
from driftsched.studio.downloads import csv_button
from driftsched.studio.front_end.script import component
from driftsched.studio.state import Key, bound, get_view
from driftsched.studio.words import plain

_picture = component("picture", "picture")
_AXES = "axes"
MAIN, LOWER = 510, 420
"""Height of the main picture, and of those that stand below it."""
ENDPOINTS = re.compile(r"^engine\.endpoints[.\d]*:?")
"""What a rule calls the field that the page calls addresses."""
ANCHOR = re.compile(r"(?:<|\\u003c)(?=a\b)", re.IGNORECASE)


def without_links(figure: str) -> str:
    """A figure in JSON whose words make no links; plotly.js draws those of HTML."""
    return ANCHOR.sub("&lt;", figure)


class Beside(NamedTuple):
    """What a chart is seen beside, where it changes under its reader's eyes.

    `ghost` is the same chart of the baseline; its axes stay put as long as `subject` is the same;
    `height` is in pixels.
    """

    ghost: go.Figure | None
    subject: tuple[Hashable, ...]
    height: int = MAIN


def chart(figure: go.Figure, data: pd.DataFrame, key: str, beside: Beside | None = None) -> None:
    """Draw a figure with its sentence that says what to look at, and a CSV of its numbers, `data`.

    Call it with one key on every rerun, and the plot stays; the key is also the CSV's name.
    `beside` is for charts that follow what-if controls.
    """
    if beside is not None:
        figure = figure if beside.ghost is None else with_ghost(figure, beside.ghost)
        axes = st.session_state.setdefault(_AXES, {})
        subject, ranges = axes.get(key, (None, None))
        axes[key] = beside.subject, held(figure, ranges if subject == beside.subject else None)
        figure.layout.height = beside.height
    config = modebar(get_view().image, figure.layout.meta["filename"])
    # the figure is text already; as bytes it is neither taken apart nor quoted once more
    drawn = without_links(str(figure.to_json(validate=False)))
    said = json.dumps({"config": config, "says": main_figures(figure)})
    text = f'{said[:-1]}, "figure": {drawn}}}'
    # its height is known before its script has come, so nothing below it has to move
    _picture(key=f"picture-{key}", data=text.encode(), height=int(figure.layout.height))
    caption_and_csv(look_at(figure), data, key, f"{key}-csv")


def caption_and_csv(text: str, data: pd.DataFrame, name: str, key: str) -> None:
    """Draw a line about numbers, and beside it the numbers as ``name.csv``."""
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        with st.container(width="stretch"):
            st.caption(text)
        with st.container(width=72):
            csv_button(data, name, key)


def compared(
    draw: Callable[[pd.DataFrame], go.Figure],
    tables: tuple[pd.DataFrame, pd.DataFrame | None],
    key: str,
    subject: tuple[Hashable, ...],
    height: int = MAIN,
) -> None:
    """Draw a chart of the first of two tables beside the same of the other, the baseline's."""
    now, before = tables
    ghost = None if before is None else draw(before)
    chart(draw(now), now, key, Beside(ghost, subject, height))


def each(
    table: Callable[[Figures], pd.DataFrame], now: Figures, before: Figures | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """What `table` makes of what is shown, and of its baseline, if there is one."""
    return table(now), None if before is None else table(before)


def problem(what: object, icon: str = "error") -> None:
    """Say what is wrong, in an error box; `what` may hold anything that somebody has sent."""
    st.error(plain(ENDPOINTS.sub("An address", str(what))), icon=f":material/{icon}:")


def image_format() -> None:
    """Draw the switch that says what the camera button of every chart saves."""
    st.segmented_control(
        "Chart images",
        ("svg", "png"),
        **bound(Key.IMAGE),
        required=True,
        format_func=str.upper,
        help="What the camera button above each chart saves: SVG for print, PNG for slides.",
    )
