"""The frame around every page: title, navigation, sidebar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from driftsched import TOP
from driftsched.studio.sidebar import sidebar
from driftsched.studio.state import forget_view, get_view, share
from driftsched.studio.turns import my_turn
from driftsched.studio.view import View
from driftsched.studio.words import plain

PAGES = (
    ("explore.py", "Explore", ":material/explore:"),
    ("run.py", "Run", ":material/play_circle:"),
    ("compare.py", "Compare", ":material/compare_arrows:"),
    ("library.py", "Library", ":material/inventory_2:"),
    ("sweep.py", "Sweep", ":material/grid_on:"),
    ("capacity.py", "Capacity", ":material/speed:"),
    ("scenario.py", "Scenario", ":material/tune:"),
    ("drift_lab.py", "Drift lab", ":material/science:"),
    ("paper.py", "Paper", ":material/article:"),
)
DEFAULT, HOME = "explore.py", "explore"
ABOUT = "What do drift, queues and latency look like under this policy, for this traffic?"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#0072B2"/>'
    '<path d="M7 9h18M7 16h11M7 23h6" stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>'
)
"""Three bars, the shortest last; drawn here so that nothing is fetched from elsewhere."""
_framed: ContextVar[bool] = ContextVar("framed", default=False)


def frame(*, run: bool = True) -> None:
    """Draw title, navigation and sidebar; run the page that is chosen, unless it runs already."""
    with my_turn():
        _frame(run)


def _frame(run: bool) -> None:
    _config()  # before the navigation, or its icons are fetched from elsewhere for the tab
    _address()  # too, or the back button may find the page's address without its link
    pages = _pages()
    chosen = st.navigation(pages)
    if chosen.url_path == HOME:  # the menu lights its link at one address alone
        params = {name: st.query_params.get_all(name) for name in st.query_params}
        st.switch_page(pages[0], query_params=params)
    _body(chosen.title)
    if run:
        token = _framed.set(True)
        try:
            chosen.run()
        finally:
            _framed.reset(token)


def _pages() -> list[Any]:
    shown = [_page(page, url_path="start" if page[0] == DEFAULT else None) for page in PAGES]
    shown[0]["default"] = True
    # the default page lives at "/"; a link that spells its name out is right all the same
    hidden = _page(PAGES[0], url_path=HOME, visibility="hidden")
    return [st.Page(**page) for page in (*shown, hidden)]


def _page(page: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    file, title, icon = page
    return {"page": TOP / "pages" / file, "title": title, "icon": icon, **more}


def page_setup(
    title: str,
    question: str | Callable[[View], str] | None = None,
    beside: Callable[[], None] | None = None,
) -> View:
    """Head a page and return what the session looks at.

    `question` is what the page answers, in plain words, or says it of a view: the scenario's own
    where it is left out.
    `beside` draws what stands beside the page's name.
    """
    if not _framed.get():
        _alone(title)
    view = get_view()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="head"):
        st.title(title, anchor=False, width="stretch")
        if beside is not None:
            beside()
    with st.container(key="asked"):
        asked = question(view) if callable(question) else question
        st.caption(plain(view.scenario.question) if asked is None else asked)
    _left_out(view.problems)
    if view.link is None:
        st.caption(":material/link_off: This scenario is too big for a link; share its file.")
    return view


def _alone(title: str) -> None:
    """Draw the frame of a page that Streamlit runs without app.py, or what a page needs of it."""
    context = get_script_run_ctx()
    if context is not None and Path(context.main_script_path).name == "app.py":
        frame(run=False)
    else:
        _config()
        _address()
        _body(title)


def _address() -> None:
    """Have the session's view and the page's link agree: after a step back the view follows."""
    context = get_script_run_ctx()
    if context is not None and context.is_history_navigation:
        forget_view()
    share()


def _left_out(problems: Sequence[str]) -> None:
    """Say what of the link could not be taken."""
    if not problems:
        return
    lines = [plain(problem) for problem in problems]
    listed = lines[0] if len(lines) == 1 else "\n" + "\n".join(f"- {line}" for line in lines)
    st.warning(
        f"Left out of this link, and all else kept: {listed}",
        icon=":material/link_off:",
    )


def _body(title: str) -> None:
    st.set_page_config(page_title=f"{title} · DriftSched Studio")
    sidebar(title)


def _config() -> None:
    st.set_page_config(
        page_icon=ICON,
        layout="wide",
        menu_items={"About": f"**DriftSched Studio**\n\n{ABOUT}"},
    )
