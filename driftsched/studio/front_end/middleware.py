"""What a studio's server puts before Streamlit."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.middleware import Middleware

from driftsched.studio.front_end.page import FrontPage
from driftsched.studio.front_end.script import PLOTLY_JS
from driftsched.studio.front_end.served import ServedScripts

__all__ = ["front_end"]


def front_end(pages: Iterable[str]) -> list[Middleware]:
    """Return the middleware of `streamlit.App` that our components need.

    Parameters
    ----------
    pages : iterable of str
        The pages' names as they stand in an address.
    """
    early = [f"driftsched/{PLOTLY_JS}"]
    return [Middleware(FrontPage, pages=[*pages], early=early), Middleware(ServedScripts)]
