"""A finished chart on a page: the picture, what to look at, its numbers.

`st.plotly_chart` mounts each chart anew when its figure changes: zoom and hidden lines are lost, a
page of ten charts is busy for a second and a half, and shows nothing else meanwhile. Our component
keeps its plots, draws those in sight first, and the others when nothing else is to be done.
"""

from __future__ import annotations

import json
import re

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from driftsched.charts.theme import look_at, modebar
from driftsched.studio.downloads import csv_button
from driftsched.studio.front_end import component
from driftsched.studio.state import Key
from driftsched.studio.words import plain

__all__ = ["chart", "image_format", "problem", "spoken", "without_links"]

_picture = component("picture", "picture")
MOST_SPOKEN = 8
"""Lines of a chart that are told of."""
ANCHOR = re.compile(r"(?:<|\\u003c)(?=a\b)", re.IGNORECASE)


def without_links(figure: str) -> str:
    """A figure in JSON whose words make no links; plotly.js draws those of HTML."""
    return ANCHOR.sub("&lt;", figure)


def chart(figure: go.Figure, data: pd.DataFrame, key: str) -> None:
    """Draw a figure with its sentence that says what to look at, and a CSV of its numbers.

    Call it with one key on every rerun, and the plot stays.

    Parameters
    ----------
    figure : Figure
        From `driftsched.charts`.
    data : DataFrame
        What the figure shows.
    key : str
        Unique on the page; also the name of the CSV.
    """
    config = modebar(st.session_state.get(Key.IMAGE, "svg"), figure.layout.meta["filename"])
    # the figure is text already; as bytes it is neither taken apart nor quoted once more
    drawn = without_links(str(figure.to_json(validate=False)))
    words = {"config": config, "label": spoken(figure)}
    text = f'{json.dumps(words)[:-1]}, "figure": {drawn}}}'
    # its height is known before its script has come, so nothing below it has to move
    _picture(key=f"picture-{key}", data=text.encode(), height=int(figure.layout.height))
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        with st.container(width="stretch"):
            st.caption(look_at(figure))
        with st.container(width=72):
            csv_button(data, key, f"{key}-csv")


def spoken(figure: go.Figure) -> str:
    """A chart's title and main figures, for those who hear it: of each line its least and most."""
    layout = figure.layout
    shares = "Share" in str(layout.yaxis.title.text)  # of a distribution the values lie along x
    said = []
    for trace in figure.data:
        drawn = trace.x if shares else trace.y
        values = pd.to_numeric(pd.Series(drawn), errors="coerce").dropna()
        if trace.name and len(values):
            said.append(f"{trace.name} {values.min():.3g} to {values.max():.3g}")
    return ". ".join([str(layout.title.text), ", ".join(said[:MOST_SPOKEN]), look_at(figure)])


def problem(what: object, before: str = "", icon: str = "error") -> None:
    """Say what is wrong, in an error box; `what` may hold anything that somebody has sent."""
    st.error(f"{before}{plain(what)}", icon=f":material/{icon}:")


def image_format() -> None:
    """Draw the switch that says what the camera button of every chart saves."""
    st.segmented_control(
        "Chart images",
        ("svg", "png"),
        default="svg",
        key=Key.IMAGE,
        required=True,
        persist_state="session",
        format_func=str.upper,
        help="What the camera button above each chart saves: SVG for print, PNG for slides.",
    )
