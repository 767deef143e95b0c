"""The frame around every page: title, navigation, sidebar.

Until `st.navigation` has been called once in a process, Streamlit takes a ``pages/`` folder for its
older kind of app and runs the page without ``app.py``: so the first request to a fresh server, if it
is for ``/paper``, would get no frame. `page_setup` notices that and draws the frame itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from driftsched.studio.sidebar import sidebar
from driftsched.studio.state import View, get_view, share

__all__ = ["Frame", "frame", "page_setup"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ("explore.py", "Explore", ":material/explore:"),
    ("run.py", "Run", ":material/play_circle:"),
    ("scenario.py", "Scenario", ":material/tune:"),
    ("paper.py", "Paper", ":material/article:"),
)
ABOUT = "What do drift, queues and latency look like under this policy, for this traffic?"
_framed: ContextVar[bool] = ContextVar("framed", default=False)


class Frame:
    """The chosen page inside the frame."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run

    def run(self) -> None:
        """Run the page's script."""
        token = _framed.set(True)
        try:
            self._run()
        finally:
            _framed.reset(token)


def frame() -> Frame:
    """Draw title, navigation and sidebar; return the page that is to run inside."""
    _config("Explore")
    pages = [
        st.Page(ROOT / "pages" / file, title=title, icon=icon, default=file == "explore.py")
        for file, title, icon in PAGES
        if (ROOT / "pages" / file).exists()
    ]
    chosen = st.navigation(pages)
    sidebar()
    return Frame(chosen.run)


def page_setup(title: str, question: str) -> View:
    """Head a page and return what the session looks at.

    Parameters
    ----------
    title : str
        The page's name.
    question : str
        The question the page answers, in plain words.
    """
    if not _framed.get():
        _alone(title)
    view = get_view()
    st.title(title, anchor=False)
    st.caption(question)
    if view.problem:
        st.error(
            f"This link cannot be opened: {view.problem}. "
            f"The preset “{view.preset}” is shown instead.",
            icon=":material/link_off:",
        )
    if not share():
        st.caption(":material/link_off: This scenario is too big for a link; share its file.")
    return view


def _alone(title: str) -> None:
    context = get_script_run_ctx()
    if context is not None and Path(context.main_script_path).name == "app.py":
        frame()
        return
    _config(title)
    sidebar()


def _config(title: str) -> None:
    st.set_page_config(
        page_title=f"{title} · DriftSched Studio",
        page_icon=":material/schedule:",
        layout="wide",
        menu_items={"About": f"**DriftSched Studio**\n\n{ABOUT}"},
    )
