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
from driftsched.scenario import preset_names
from driftsched.studio.front_end import front_end
from driftsched.studio.live.server import live_runs
from driftsched.studio.presets import preset
from driftsched.studio.waiting import pool
from driftsched.studio.warm import warm_up

__all__ = ["lifespan", "middleware"]

PAGES = ("page", "explore", "run", "paper")
PATIENCE_S = 5.0
"""At most so long the server is not up yet; compiling the kernel at the very first start is not
waited for."""


def middleware() -> list[Middleware]:
    """What every request to the server goes through before Streamlit sees it."""
    return front_end(sorted(page.stem for page in (TOP / "pages").glob("*.py")))


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


def _load() -> None:
    warm_up()
    for name in PAGES:
        import_module(f"driftsched.studio.{name}")
    for name in preset_names():
        preset(name)  # the sidebar shows all their titles
