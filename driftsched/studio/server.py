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
from driftsched.live.journal import save_left_behind
from driftsched.scenario import preset_names
from driftsched.studio import work
from driftsched.studio.front_end import FrontEnd
from driftsched.studio.guard import Guard
from driftsched.studio.jobs import once
from driftsched.studio.link import DEFAULT_PRESET, preset
from driftsched.studio.live.runs import live_runs
from driftsched.studio.view import View
from driftsched.studio.waiting import pool, work_key

__all__ = ["lifespan", "middleware"]

PAGES = ("page", "explore", "run", "paper", "lab")
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
    loading = threading.Thread(target=_load, name="warm-up", daemon=True)
    loading.start()
    # whoever comes before that would wait longer: two who load get in each other's way
    await asyncio.to_thread(loading.join, PATIENCE_S)
    yield
    live_runs().close()
    pool().close()


@once
def warm_up() -> None:
    """Ask for the first visitor's picture, once in the life of the server, and ready the engine."""
    jobs = pool()  # its first worker loads the engine while this process loads what follows
    from driftsched.studio.explore.figures import FEW

    view = View(preset=DEFAULT_PRESET, scenario=preset(DEFAULT_PRESET))
    ready = work.engine_ready()
    args = (view.replications if ready else FEW, tuple(view.variants), *view.variants.values())
    job = jobs.submit(work.ensemble, args, work_key(work.ensemble, args), here=True)
    if ready:
        job.wait(PATIENCE_S)
    else:
        threading.Thread(target=_prepare, name="prepare", daemon=True).start()


def _prepare() -> None:
    """Compile the kernel in a process of its own, then load it here."""
    from driftsched.simulation import compiled

    compiling = compiled.warm_up_apart()
    if compiling is not None:
        compiling.wait()
    if not work.engine_ready():
        compiled.warm_up()  # it could not be kept on disk, so it is compiled here


def _load() -> None:
    warm_up()
    for name in PAGES:
        import_module(f"driftsched.studio.{name}")
    for name in preset_names():
        preset(name)  # the sidebar shows all their titles
    save_left_behind()  # live runs that the server's last end cut off
