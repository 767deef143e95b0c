"""Download buttons. The bytes are made when a button is clicked, not before."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from driftsched.results.export import csv_text


def csv_button(data: pd.DataFrame, name: str, key: str, label: str = "CSV") -> None:
    """Offer a table as ``name.csv``."""
    download(
        label,
        lambda: csv_text(data).encode(),
        f"{name}.csv",
        key,
        "The numbers behind this picture, as a CSV file.",
        quiet=True,
    )


def download(
    label: str,
    make: Callable[[], bytes],
    file_name: str,
    key: str,
    explanation: str,
    *,
    quiet: bool = False,
) -> None:
    """Offer what `make` returns as a file; it is called once the button is clicked."""
    st.download_button(
        label,
        data=make,
        file_name=file_name,
        key=key,
        help=explanation,
        on_click="ignore",
        icon=":material/download:",
        type="tertiary" if quiet else "secondary",
    )
