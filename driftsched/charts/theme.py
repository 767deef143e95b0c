"""One look for every chart: the same colours for the same names, axes with units, downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from driftsched import scheduling

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#C98800", "#009E73", "#CC79A7"
VERMILLION, SKY, GREY, VIOLET = "#C84E00", "#3A9BD9", "#8A8A8A", "#7B61C9"
OLIVE, BROWN, CRIMSON, INDIGO = "#9A8B00", "#8C6D4F", "#C2185B", "#8822FF"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, GREY, VIOLET, OLIVE, BROWN)
"""Okabe and Ito's colours, shifted to a contrast of 3 on white and on near-black.

Crimson and indigo are for pictures in which ten are not enough.
"""

POLICIES = dict(
    zip(
        scheduling.POLICIES,
        (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, VIOLET, *PALETTE[8:], GREY),
        strict=False,
    )
)
"""In order of registration, so that a further policy takes nobody's colour."""
TENANTS = {"premium": ORANGE, "standard": BLUE, "batch": GREY}
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

MODEBAR: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "driftsched", "scale": 2},
}
"""Config of plotly.js: nothing is sent anywhere.

Its camera button knows one format; `modebar` gives the other.
"""


def modebar(image: str = "svg", filename: str = "driftsched") -> dict[str, Any]:
    """Return `MODEBAR` with an image format, svg or png, and the file's name."""
    options = MODEBAR["toImageButtonOptions"] | {"format": image, "filename": filename}
    return MODEBAR | {"toImageButtonOptions": options}


def look_at(figure: go.Figure) -> str:
    """Return the sentence that says what to look at in a chart."""
    return str(figure.layout.meta["look_at"])


def _colours(fixed: Mapping[str, str], last: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    """Give each name its colour; those without a fixed one get free colours by position.

    Colours in `last` are taken when no other is left.
    """
    wanted = list(dict.fromkeys(names))
    taken = {fixed[name] for name in wanted if name in fixed}
    order = sorted(PALETTE, key=lambda colour: colour in last)
    free = [colour for colour in order if colour not in taken]
    others = [name for name in wanted if name not in fixed]
    given = {name: free[place % len(free)] for place, name in enumerate(others)}
    return {name: fixed.get(name) or given[name] for name in wanted}


policy_colours = partial(_colours, POLICIES, ())
# five of each have colours that none of the others has: both stand in one picture
tenant_colours = partial(_colours, TENANTS, (SKY, GREEN, VERMILLION, PURPLE, OLIVE))
category_colours = partial(_colours, CATEGORIES, (ORANGE, BLUE, GREY, VIOLET, BROWN))


def translucent(colour: str, opacity: float) -> str:
    """Turn ``#rrggbb`` into an rgba colour, for fills."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


@dataclass(frozen=True)
class Look:
    """A chart's own words, and the look that all charts have in common.

    Backgrounds are transparent and text has no colour of its own, so that a figure fits a light and
    a dark page. Its title stands above, at the left; `filename` is an image's, and `look_at` the
    sentence that says what to look at: both are in ``layout.meta``. `x` and `y` are the axes'
    titles with units; None leaves them alone, for `panels`.
    """

    title: str
    filename: str
    look_at: str
    x: str | None = None
    y: str | None = None

    def figure(
        self,
        traces: Sequence[Mapping[str, Any]],
        layout: Mapping[str, Any] | None = None,
        **look: Any,
    ) -> go.Figure:
        """Make the figure of these traces; the rest is as in `parts`."""
        # at once and unchecked: plotly's checks take longer than all else; the tests have them made
        return go.Figure(self.parts(traces, layout, **look), _validate=False)

    def parts(
        self,
        traces: Sequence[Mapping[str, Any]],
        layout: Mapping[str, Any] | None = None,
        *,
        hover: str = "x unified",
        log_x: bool = False,
        log_y: bool = False,
        height: int = 420,
    ) -> dict[str, Any]:
        """Return a figure's data and layout, not checked by plotly, which takes its time.

        `layout` is the chart's own part, which comes before the common one; `hover` is plotly's
        hover mode; `height` is in pixels.
        """
        names = {t["name"] for t in traces if t.get("name") and t.get("showlegend") is not False}
        # more than two rows of the legend on a phone would reach into the title
        more = 20 * max(1, (len(names) + 1) // 2 - 2) if len(names) > 4 else 0
        own = dict(layout or {})
        look: dict[str, Any] = {
            "template": TEMPLATE,
            "title": TITLE | {"text": self.title},
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "hovermode": hover,
            "hoverlabel": {"namelength": -1},
            "legend": LEGEND,
            "margin": {"l": 16, "r": 24, "t": 84 + more, "b": 16},
            "height": height + more,
            "meta": {"filename": self.filename, "look_at": self.look_at},
        }
        for axis, label, log in (("xaxis", self.x, log_x), ("yaxis", self.y, log_y)):
            titled = {} if label is None else {"title": {"text": label, "standoff": 12}}
            for name in {axis, *(name for name in own if name.startswith(axis))}:
                look[name] = AXIS | titled | (LOG_AXIS if log else {})
        return {"data": [*traces], "layout": _merged(look, own)}

    def empty(
        self, text: str = "No finished requests yet", x: str | None = None, y: str | None = None
    ) -> go.Figure:
        """Make a figure that says calmly why nothing is drawn; it has axes also for `panels`."""
        bare = {"showticklabels": False, "showgrid": False, "zeroline": False}
        note = {"text": text, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        note |= {"showarrow": False, "opacity": 0.7, "font": {"size": 16}}
        titled = replace(self, x=x or self.x, y=y or self.y)
        return titled.figure([], {"annotations": [note], "xaxis": bare, "yaxis": bare})


def panels(
    titles: Sequence[tuple[str, str]], *, shared_x: bool = False, gap: float
) -> dict[str, Any]:
    """Return the layout of plots one above the other.

    `titles` are those of the x and y axes, from the top; with `shared_x` moving or zooming one
    moves all, and only the last x axis has a title. `gap` between two plots is a share of the whole
    height.
    """
    grid: dict[str, Any] = make_subplots(
        rows=len(titles), cols=1, shared_xaxes=shared_x, vertical_spacing=gap
    ).layout.to_plotly_json()
    del grid["template"]
    for place, (x, y) in enumerate(titles):
        number = "" if place == 0 else str(place + 1)
        if x and (not shared_x or place == len(titles) - 1):
            grid[f"xaxis{number}"]["title"] = {"text": x, "standoff": 8}
        grid[f"yaxis{number}"]["title"] = {"text": y}
    return grid


def panel(place: int) -> dict[str, str]:
    """Return the axes of a trace in the plot of that place, 0 being the topmost."""
    number = "" if place == 0 else str(place + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the new one's values first."""
    merged = dict(old)
    for name, value in new.items():
        inner = merged.get(name)
        nested = isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[name] = _merged(inner, value) if nested and inner is not None else value
    return merged
