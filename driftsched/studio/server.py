"""What happens once, when the server starts: the first visitor finds everything loaded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from driftsched import TOP
from driftsched.experiments import run_ensemble
from driftsched.live.journal import save_left_behind
from driftsched.scenario import preset_names
from driftsched.studio.front_end.middleware import FrontEnd
from driftsched.studio.guard import Guard
from driftsched.studio.jobs import JobPool
from driftsched.studio.link import DEFAULT_PRESET, preset
from driftsched.studio.live.runs import live_runs
from driftsched.studio.view import View
from driftsched.studio.waiting import pool, work_key

PAGES = (
    "page",
    "explore.pictures",
    "live.page",
    "lab.stream",
    "lab.worth",
    "paper",
    "scenario_editor.editor",
)
PATIENCE_S = 5.0
"""At most so long the server is not up yet; compiling the kernel at the very first start is not
waited for."""


def middleware() -> list[Middleware]:
    """What every request to the server goes through before Streamlit sees it."""
    pages = sorted(page.stem for page in (TOP / "pages").glob("*.py"))
    return [Middleware(Guard), Middleware(FrontEnd, pages=pages)]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:  # noqa: ARG001  the signature is Streamlit's
    """Compute the first picture and load the pages' modules beside the server's own start."""
    # The first visitor's pages have the same names as everybody's, so that a click made before the
    # first rerun finds its widget again; where Streamlit knows no such flag, `page_setup` helps.
    PagesManager.uses_pages_directory = False
    jobs, runs = pool(), live_runs()  # made before several visitors ask for them at once
    loading = threading.Thread(target=_load, args=(jobs,), name="warm-up", daemon=True)
    loading.start()
    # whoever comes before that would wait longer: two who load get in each other's way
    await asyncio.to_thread(loading.join, PATIENCE_S)
    yield
    runs.close()
    jobs.close()


def _load(jobs: JobPool) -> None:
    """Ask for the first visitor's picture, load what pages need, compile what is not compiled."""
    from driftsched.simulation.compiled import warm_up_apart
    from driftsched.studio.explore.figures import asked_for

    asked = asked_for(View(preset=DEFAULT_PRESET, scenario=preset(DEFAULT_PRESET)))
    first = jobs.submit(run_ensemble, asked, work_key(run_ensemble, asked))
    for name in PAGES:
        import_module(f"driftsched.studio.{name}")
    for name in preset_names():
        preset(name)  # the sidebar shows all their titles
    save_left_behind()  # live runs that the server's last end cut off
    first.wait(PATIENCE_S)
    compiling = warm_up_apart()
    if compiling is not None:
        compiling.wait()
