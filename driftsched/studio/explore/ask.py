"""From the view to the ensemble that answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.studio import work
from driftsched.studio.state import View
from driftsched.studio.waiting import busy, result_of

if TYPE_CHECKING:
    from driftsched.experiments import Ensemble

__all__ = ["FEW", "ensemble_for"]

FEW = 2
"""Replications while the compiled engine is not there yet."""
_LAST = "explore-last"


def ensemble_for(view: View) -> Ensemble | None:
    """Give the view's ensemble; while it is under way, the former one; None without any.

    What cannot be run is one message.
    """
    from driftsched.experiments.ensemble import same_requests

    fast = work.engine_ready()
    replications = view.replications if fast else min(view.replications, FEW)
    if not fast:
        cast(Callable[..., None], st.fragment(_getting_ready, run_every=1.0))(replications)
    try:
        variants = view.variants
        same_requests(next(iter(variants.values())))
    except InputError as error:
        st.error(
            f"This could not be computed: {error}. Run shows how one policy serves it.",
            icon=":material/error:",
        )
        return None
    args = (replications, tuple(variants), *variants.values())
    found = result_of(work.ensemble, args, slot="explore", here=True)
    if found is None and (former := st.session_state.get(_LAST)) is not None:
        st.caption(":material/history: Below is the picture from before the last change.")
        return cast("Ensemble", former)
    if found is not None:
        st.session_state[_LAST] = found
    return cast("Ensemble | None", found)


def _getting_ready(replications: int) -> None:
    if work.engine_ready():
        st.rerun()
    with busy("engine"):
        st.info(
            f"The fast engine is being prepared, which takes about a minute, once. Until then a "
            f"slower one computes {replications} replications, so that intervals are wide; then "
            "the page goes on by itself.",
            icon=":material/hourglass_top:",
        )
