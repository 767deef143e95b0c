"""A finished chart on a page: the picture, what to look at, its numbers."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from driftsched.charts.theme import MODEBAR
from driftsched.studio.downloads import csv_button

__all__ = ["chart"]


def chart(figure: go.Figure, look_at: str, data: pd.DataFrame, key: str) -> None:
    """Draw a figure with one sentence that says what to look at, and a CSV of its numbers.

    Parameters
    ----------
    figure : Figure
        From `driftsched.charts`.
    look_at : str
        One sentence.
    data : DataFrame
        What the figure shows.
    key : str
        Unique on the page; also the names of the image and of the CSV.
    """
    image = {"toImageButtonOptions": MODEBAR.get("toImageButtonOptions", {}) | {"filename": key}}
    st.plotly_chart(figure, key=key, config=MODEBAR | image, alt=look_at)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(look_at)
        csv_button(data, key, f"{key}-csv")
