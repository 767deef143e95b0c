"""How latencies of one run are spread, by tenant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from driftsched.charts.frames import few, finished, log_edges, names_in, values_of
from driftsched.charts.labels import metric_label
from driftsched.charts.theme import empty, finish, tenant_colours, translucent

__all__ = ["LOOK_AT", "latency_histogram"]

LOOK_AT = (
    "Two humps mean that two kinds of requests live different lives: short beside long ones, or "
    "those that waited and those that did not."
)


def latency_histogram(requests: pd.DataFrame, metric: str = "e2e_s", bins: int = 50) -> go.Figure:
    """Draw the number of requests in bins of a latency, one outline a tenant.

    Parameters
    ----------
    requests : DataFrame
        Requests table; those that finished count.
    metric : str
        Column in seconds, such as e2e_s or ttft_s.
    bins : int
        Logarithmic bins, common to all tenants. Values of 0 are counted in the first.
    """
    words: dict[str, Any] = {
        "title": "Latency histogram",
        "x": metric_label(metric),
        "y": "Requests",
    }
    words |= {"filename": f"histogram-{metric.removesuffix('_s')}"}
    done = finished(requests)
    every = values_of(done, metric)
    if not len(every):
        return empty(**words)
    edges = log_edges(every, bins)
    names = few(done["tenant"])
    colours = tenant_colours(names_in(names))
    figure = go.Figure()
    for name in names_in(names):
        found = np.clip(values_of(done[names == name], metric), edges[0], edges[-1])
        counts = np.histogram(found, edges)[0]
        figure.add_scatter(
            x=edges,
            y=np.append(counts, 0),
            customdata=np.append(edges[1:], edges[-1]),
            name=name,
            mode="lines",
            line={"color": colours[name], "width": 2, "shape": "hv"},
            fill="tozeroy",
            fillcolor=translucent(colours[name], 0.18),
            hovertemplate="%{y:,} from %{x:,.3~r} s to %{customdata:,.3~r} s",
        )
    figure.update_yaxes(rangemode="tozero")
    return finish(figure, **words, log_x=True)
