"""One look for every chart: the same colours for the same names, axes with units, downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import plotly.graph_objects as go

__all__ = [
    "ERROR_BAR",
    "GRID",
    "LOG_AXIS",
    "MODEBAR",
    "NEUTRAL",
    "PALETTE",
    "SHARE_AXIS",
    "category_colours",
    "empty",
    "finish",
    "modebar",
    "policy_colours",
    "tenant_colours",
    "translucent",
]

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#C98800", "#009E73", "#CC79A7"
VERMILLION, SKY, GREY, VIOLET = "#C84E00", "#3A9BD9", "#8A8A8A", "#7B61C9"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, GREY, VIOLET, "#9A8B00", "#8C6D4F")
"""Okabe and Ito's colours, shifted to a contrast of 3 on white and on near-black."""

POLICIES = {
    "fifo": BLUE,
    "priority": VERMILLION,
    "weighted": GREEN,
    "sjf": PURPLE,
    "aging": ORANGE,
}
TENANTS = {"premium": ORANGE, "standard": SKY, "batch": GREY}
CATEGORIES = {"short_qa": SKY, "summary": GREEN, "technical": VERMILLION, "report": PURPLE}

NEUTRAL = "#8A8A8A"
"""Reference lines and marks."""
GRID = "rgba(138, 138, 138, 0.22)"
LOG_AXIS = {"type": "log", "tickformat": "~g", "nticks": 5}
"""So few ticks asked for give labels at 1, 2 and 5, which never touch."""
SHARE_AXIS = {"range": [-2, 103], "unifiedhovertitle": {"text": "%{y:.1f} % of requests"}}
"""Of distribution functions, in percent."""
AXIS: dict[str, Any] = {
    "gridcolor": GRID,
    "zerolinecolor": GRID,
    "automargin": True,
    "ticklabelstandoff": 4,
    "hoverformat": ",.4~r",
    "spikecolor": NEUTRAL,
    "spikethickness": 1,
}
LEGEND: dict[str, Any] = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "title": {"text": ""},
    "traceorder": "normal",
}
TITLE: dict[str, Any] = {
    "x": 0,
    "xref": "container",
    "xanchor": "left",
    "y": 1,
    "yref": "container",
    "yanchor": "top",
    "pad": {"t": 14, "l": 16},
    "font": {"size": 17},
}
TEMPLATE: dict[str, Any] = {"layout": {"colorway": PALETTE}}
ERROR_BAR = {"color": "#9A9A9A", "thickness": 2, "width": 4}

MODEBAR: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "driftsched", "scale": 2},
}
"""Config of plotly.js: nothing is sent anywhere.

Its camera button knows one format; `modebar` gives the other.
"""


def modebar(figure: go.Figure, image: str = "svg") -> dict[str, Any]:
    """Return `MODEBAR` with the figure's own file name and an image format, svg or png."""
    meta = figure.layout.meta
    filename = meta.get("filename") if isinstance(meta, dict) else "driftsched"
    options = MODEBAR["toImageButtonOptions"] | {"format": image, "filename": filename}
    return MODEBAR | {"toImageButtonOptions": options}


def policy_colours(names: Iterable[str]) -> dict[str, str]:
    """Give each policy its colour; those without a fixed one get free colours by position."""
    return _colours(names, POLICIES)


def tenant_colours(names: Iterable[str]) -> dict[str, str]:
    """Give each tenant its colour; those without a fixed one get free colours by position."""
    return _colours(names, TENANTS)


def category_colours(names: Iterable[str]) -> dict[str, str]:
    """Give each category its colour; those without a fixed one get free colours by position."""
    return _colours(names, CATEGORIES)


def _colours(names: Iterable[str], fixed: Mapping[str, str]) -> dict[str, str]:
    wanted = list(dict.fromkeys(names))
    taken = {fixed[name] for name in wanted if name in fixed}
    free = [colour for colour in PALETTE if colour not in taken]
    others = [name for name in wanted if name not in fixed]
    given = {name: free[place % len(free)] for place, name in enumerate(others)}
    return {name: fixed.get(name) or given[name] for name in wanted}


def translucent(colour: str, opacity: float) -> str:
    """Turn ``#rrggbb`` into an rgba colour, for fills."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def finish(
    figure: go.Figure,
    *,
    title: str,
    x: str | None,
    y: str | None,
    filename: str,
    hover: str = "x unified",
    log_x: bool = False,
    log_y: bool = False,
    height: int = 420,
) -> go.Figure:
    """Apply the common look to a figure, in place.

    Backgrounds are transparent and text has no colour of its own, so that a figure fits a light
    and a dark page.

    Parameters
    ----------
    figure : Figure
        Changed and returned.
    title : str
        Shown above, at the left.
    x, y : str or None
        Axis titles with units; None leaves the axes' titles alone, for subplots.
    filename : str
        Kept in ``layout.meta`` for image downloads, without extension.
    hover : str
        Plotly's hover mode.
    log_x, log_y : bool
        Logarithmic axes.
    height : int
        In pixels.
    """
    names = len(_legend(figure))
    # more than two rows of the legend on a phone would reach into the title
    more = 20 * max(1, (names + 1) // 2 - 2) if names > 4 else 0
    look: dict[str, Any] = {
        "template": TEMPLATE,
        "title": TITLE | {"text": title},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "hovermode": hover,
        "hoverlabel": {"namelength": -1},
        "legend": LEGEND,
        "margin": {"l": 16, "r": 24, "t": 84 + more, "b": 16},
        "height": height + more,
        "meta": {"filename": filename},
    }
    # One assignment: plotly takes milliseconds to check each update of a layout.
    former = figure.layout.to_plotly_json()
    former.pop("template", None)
    layout = _merged(former, look)
    for axis, label, log in (("xaxis", x, log_x), ("yaxis", y, log_y)):
        own = AXIS if label is None else AXIS | {"title": {"text": label, "standoff": 12}}
        for name in {axis, *(name for name in layout if name.startswith(axis))}:
            layout[name] = _merged(layout.get(name, {}), own | (LOG_AXIS if log else {}))
    figure.layout = layout
    return figure


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both, the new one's values first."""
    merged = dict(old)
    for name, value in new.items():
        inner = merged.get(name)
        nested = isinstance(value, dict) and isinstance(inner, dict)
        merged[name] = _merged(inner, value) if nested and inner is not None else value
    return merged


def _legend(figure: go.Figure) -> set[str]:
    return {trace.name for trace in figure.data if trace.name and trace.showlegend is not False}


def empty(
    *, title: str, x: str, y: str, filename: str, text: str = "No finished requests yet"
) -> go.Figure:
    """Return a figure that says calmly why nothing is drawn."""
    figure = go.Figure()
    figure.add_annotation(
        text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, opacity=0.7
    )
    figure.update_annotations(font={"size": 16})
    finish(figure, title=title, x=x, y=y, filename=filename)
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False)
    return figure
