"""A finished chart on a page: one plot that stays mounted and is given new figures.

`st.plotly_chart` mounts each chart anew when its figure changes: zoom and hidden lines are lost, a
page of ten charts is busy for a second and a half, and shows nothing else meanwhile. This component
keeps its plots, draws those in sight first, and the others when nothing else is to be done.
"""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

from driftsched.studio.front_end import component

__all__ = ["picture"]

_component = component("picture", "picture")


def picture(figure: go.Figure, *, config: dict[str, Any], key: str) -> None:
    """Show a chart; call it with one key on every rerun, and the plot stays.

    Parameters
    ----------
    figure : Figure
        From `driftsched.charts`: it has a height, and a sentence that is read out in its place.
    config : dict
        Of plotly.js: which buttons, what an image download is like.
    key : str
        Unique on the page.
    """
    # the figure is text already; as bytes it is neither taken apart nor quoted once more
    text = f'{{"config": {json.dumps(config)}, "figure": {figure.to_json(validate=False)}}}'
    _component(key=f"picture-{key}", data=text.encode())
