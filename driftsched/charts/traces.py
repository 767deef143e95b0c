"""What many charts are made of, as plotly's traces and shapes: lines, bands, curves, intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.charts.frames import Floats, spread
from driftsched.charts.theme import NEUTRAL, translucent

Trace = dict[str, Any]

DASHED: dict[str, Any] = {"color": NEUTRAL, "width": 1.5, "dash": "dash"}
"""Of lines that are there for reference."""
POINTS = 300
"""Of a line with a band."""
SHARES = np.unique(np.r_[np.linspace(0, 1, 385), 0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.995, 0.999])
CDF_MARKS = {0.5: "circle", 0.99: "diamond"}


def line(x: Any, y: Any, name: str, colour: str, hover: str | None, **more: Any) -> Trace:
    """Trace of one line; `hover` is plotly's template of what is said at a point, None for nothing.

    Of the rest of the trace ``line`` adds to the line's own look.
    """
    look = {"color": colour, "width": 2.5} | more.pop("line", {})
    return _trace("scatter", x, y, name, hover) | {"mode": "lines", "line": look} | more


def dots(x: Any, y: Any, name: str, colour: str, hover: str | None, **more: Any) -> Trace:
    """Trace of markers; as `line`, ``marker`` adds to their own look."""
    look = {"color": colour} | more.pop("marker", {})
    return _trace("scatter", x, y, name, hover) | {"mode": "markers", "marker": look} | more


def bars(x: Any, y: Any, name: str, colour: str, hover: str | None, **more: Any) -> Trace:
    """Trace of bars; as `line`."""
    return _trace("bar", x, y, name, hover) | {"marker": {"color": colour}} | more


def _trace(kind: str, x: Any, y: Any, name: str, hover: str | None) -> Trace:
    said = {"hoverinfo": "skip"} if hover is None else {"hovertemplate": hover}
    x, y = (at.to_numpy() if isinstance(at, pd.Series) else at for at in (x, y))
    return {"type": kind, "x": x, "y": y, "name": name} | said


def level(at: float = 1.0, *, upright: bool = False) -> Trace:
    """Shape of a dashed line through the whole plot, at a value of y, or of x where `upright`."""
    along, across = ("y", "x") if upright else ("x", "y")
    ends = {f"{along}0": 0, f"{along}1": 1, f"{across}0": at, f"{across}1": at}
    refs = {f"{along}ref": f"{along} domain", f"{across}ref": across}
    return {"type": "line", "line": DASHED} | ends | refs


def error_bar(
    rows: pd.DataFrame, value: str, low: str = "low", high: str = "high", **look: Any
) -> Trace:
    """Error bar from the columns of an interval's ends; none where there are no such columns."""
    if not {low, high} <= set(rows.columns):
        return {"visible": False}
    middle = rows[value].to_numpy(np.float64)
    return {
        "type": "data",
        "symmetric": False,
        "array": np.maximum(rows[high].to_numpy(np.float64) - middle, 0),
        "arrayminus": np.maximum(middle - rows[low].to_numpy(np.float64), 0),
        "thickness": 2,
        "width": 4,
    } | look


def line_with_band(
    name: str,
    label: str,
    colour: str,
    columns: Sequence[NDArray[Any]],
    hover: str,
    dash: str = "solid",
) -> list[Trace]:
    """Traces of one line and its band below it, which has gaps where an end is not known.

    `columns` are x, y, and the low and high ends of y's interval.
    """
    kept = spread(len(columns[0]), POINTS)
    x, mean, low, high = (np.asarray(column)[kept] for column in columns)
    mode = "lines" if len(x) > 1 else "markers"
    drawn = line(x, mean, label, colour, hover, legendgroup=name, mode=mode, line={"dash": dash})
    areas = [
        band(name, f"{label} interval", colour, (x[part], low[part], high[part]))
        for part in _stretches(np.isfinite(low) & np.isfinite(high))
    ]
    return [*areas, drawn]


def _stretches(known: NDArray[np.bool_]) -> list[slice]:
    """Where at least two neighbours are known."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(int)))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def band(
    name: str, label: str, colour: str, ends: Sequence[NDArray[Any]], opacity: float = 0.18
) -> Trace:
    """Trace of the area between two lines; it belongs to the line `name` and says nothing itself.

    `ends` are x, and the low and high ends there.
    """
    x, low, high = ends
    outline = line(np.r_[x, x[::-1]], np.r_[high, low[::-1]], label, colour, None)
    return outline | {
        "fill": "toself",
        "fillcolor": translucent(colour, opacity),
        "line": {"width": 0},
        "legendgroup": name,
        "showlegend": False,
    }


def cdf(
    values: Floats,
    name: str,
    colour: str,
    dash: str,
    marks: Mapping[float, str] = CDF_MARKS,
    *,
    above_0: bool = False,
) -> list[Trace]:
    """Traces of a distribution function in percent, and of marks at some of its shares.

    `values` are sorted seconds; `marks` say at which share which of plotly's symbols stands;
    `above_0` leaves out what a logarithmic axis cannot show.
    """

    def at(shares: Floats) -> tuple[Floats, Floats]:
        times = np.quantile(values, shares)
        drawn = times > 0 if above_0 else np.full(len(times), True)
        return times[drawn], 100 * shares[drawn]

    look = {"legendgroup": name, "line": {"dash": dash}}
    curve = line(*at(SHARES), name, colour, "%{x:,.3~r} s", **look)
    points = cdf_marks(*at(np.array(list(marks))), name, colour, list(marks.values()))
    return [curve | {"hoverinfo": "x"}, points]


def cdf_marks(x: Any, y: Any, name: str, colour: str, symbols: Sequence[str]) -> Trace:
    """Trace of the marks on a distribution function."""
    look = {"size": 10, "symbol": list(symbols)}
    return dots(x, y, name, colour, None, marker=look, legendgroup=name, showlegend=False)
