"""The live view: four plots that stay mounted while a run is played or grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic_core import to_json

from driftsched.charts.theme import modebar
from driftsched.studio.front_end.script import component
from driftsched.studio.live_view.figures import group_of, live_message
from driftsched.studio.show import without_links
from driftsched.studio.state import get_view

__all__ = ["as_json", "live_view"]

_component = component("liveView", "live_view")
PLOT_PX = 304


def live_view(
    *run: Any,
    key: str,
    tenant: str = "",
    on_request_change: Callable[[], None] | None = None,
    **more: Any,
) -> None:
    """Show a run, as `live_message` takes it: play a recorded one, follow one that is live.

    Call it with one key on every rerun, at the same place: the plots then stay mounted, and zoom
    and playing survive. With a `tenant` in focus its lines alone are shown. `on_request_change` is
    called when a bar of the latencies is clicked; the key's state then holds `request`, the id of
    one of its requests.
    """
    message = live_message(*run, **more) | {"plotHeight": PLOT_PX}
    message |= {"config": modebar(get_view().image), "focus": group_of(tenant) if tenant else ""}
    click = {} if on_request_change is None else {"on_request_change": on_request_change}
    _component(key=key, data=without_links(as_json(message)).encode(), **click)


def as_json(message: dict[str, Any]) -> str:
    """Put a message into text that is short: four decimals, and null where there is no number."""
    return to_json(message, fallback=_listed, inf_nan_mode="null").decode()


def _listed(values: np.ndarray[Any, Any]) -> list[Any]:
    rounded = np.round(values, 4)
    # whole numbers are shorter without their .0
    whole = np.array_equal(rounded, np.trunc(rounded))
    return list((rounded.astype(int) if whole else rounded).tolist())
