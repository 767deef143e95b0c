"""A finished chart on a page: the picture, what to look at, its numbers."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from driftsched.charts.theme import look_at, modebar
from driftsched.studio.downloads import csv_button
from driftsched.studio.picture import picture
from driftsched.studio.state import Key

__all__ = ["chart", "image_format"]


def chart(figure: go.Figure, data: pd.DataFrame, key: str) -> None:
    """Draw a figure with its sentence that says what to look at, and a CSV of its numbers.

    Parameters
    ----------
    figure : Figure
        From `driftsched.charts`.
    data : DataFrame
        What the figure shows.
    key : str
        Unique on the page; also the name of the CSV.
    """
    config = modebar(figure, st.session_state.get(Key.IMAGE, "svg"))
    picture(figure, config=config, key=key)
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        with st.container(width="stretch"):
            st.caption(look_at(figure))
        with st.container(width=72):
            csv_button(data, key, f"{key}-csv")


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
