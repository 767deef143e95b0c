"""What happens once, when the server starts: the first visitor finds everything loaded."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from driftsched.studio.deep_links import DeepLinks
from driftsched.studio.live.server import live_runs
from driftsched.studio.waiting import pool
from driftsched.studio.warm import warm_up

__all__ = ["lifespan", "middleware"]

FOLDER = Path(__file__).resolve().parents[2] / "pages"
PAGES = ("page", "explore", "run", "paper")


def middleware() -> list[Middleware]:
    """What every request to the server goes through before Streamlit sees it."""
    names = sorted(page.stem for page in FOLDER.glob("*.py"))
    return [Middleware(DeepLinks, pages=names)]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:  # noqa: ARG001  the signature is Streamlit's
    """Compute the first picture and load the pages' modules beside the server's own start."""
    # The first visitor's pages have the same names as everybody's, so that a click made before the
    # first rerun finds its widget again; where Streamlit knows no such flag, `page_setup` helps.
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_load, name="warm-up", daemon=True).start()
    yield
    live_runs().close()
    pool().close()


def _load() -> None:
    warm_up()
    for name in PAGES:
        import_module(f"driftsched.studio.{name}")
