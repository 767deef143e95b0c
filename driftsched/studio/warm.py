"""The first picture is computed before anybody asks for it, and the fast engine made ready."""

from __future__ import annotations

import threading

import streamlit as st

from driftsched.studio.waiting import pool, work_key

__all__ = ["warm_up"]


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Ask for Explore's default picture, once in the life of the server."""
    jobs = pool()  # its first worker loads the engine while this process loads what follows
    from driftsched.studio import work
    from driftsched.studio.explore import ask
    from driftsched.studio.knobs import USUAL_REPLICATIONS
    from driftsched.studio.whatif import default_variants

    scenarios = default_variants()
    if ask.ready():
        ask.start(scenarios, USUAL_REPLICATIONS).result()
        return
    args = (ask.FEW, tuple(scenarios), *scenarios.values())
    jobs.submit(work.ensemble, args, work_key(work.ensemble, args))
    threading.Thread(target=_prepare, name="prepare", daemon=True).start()


def _prepare() -> None:
    """Compile the kernel in a process of its own, then load it here."""
    from driftsched.simulation.compiled import warm_up, warm_up_apart
    from driftsched.studio.explore import ask

    compiling = warm_up_apart()
    if compiling is not None:
        compiling.wait()
    if not ask.ready():
        warm_up()  # it could not be kept on disk, so it is compiled here
