"""What happens once, when the server starts: the first visitor finds everything loaded."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from driftsched.studio.waiting import pool
from driftsched.studio.warm import warm_up

__all__ = ["lifespan"]

PAGES = ("page", "explore", "run", "paper")


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:  # noqa: ARG001  the signature is Streamlit's
    """Compute the first picture and load the pages' modules beside the server's own start."""
    threading.Thread(target=_load, name="warm-up", daemon=True).start()
    yield
    pool().close()


def _load() -> None:
    warm_up()
    for name in PAGES:
        import_module(f"driftsched.studio.{name}")
