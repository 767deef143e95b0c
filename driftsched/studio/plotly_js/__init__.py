"""plotly.js for our own components: the file the browser loads, and the script they share.

>>> from driftsched.studio.plotly_js import ensure_plotly_js, plotly_address, script
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["ensure_plotly_js", "plotly_address", "script"]

HERE = Path(__file__).resolve().parent


def script(own: Path) -> str:
    """Return a component's script behind what all of them share.

    Parameters
    ----------
    own : Path
        The component's JavaScript file; it has the default export.
    """
    shared = (HERE / "shared.js").read_text(encoding="utf-8")
    return f"{shared}\n{own.read_text(encoding='utf-8')}"


def plotly_address() -> dict[str, str]:
    """Tell the browser where plotly.js is: what ``loadPlotly`` in shared.js is to be given.

    Returns
    -------
    dict of str to str
        ``plotly``, the file's name in the static folder, and ``base``, the server's base path.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return {"plotly": ensure_plotly_js().name, "base": base}


def ensure_plotly_js(static: Path | None = None) -> Path:
    """Put plotly.min.js, as the installed plotly ships it, where Streamlit serves it.

    Parameters
    ----------
    static : Path or None
        The served folder; None is ``static`` beside the app's main script.

    Returns
    -------
    Path
        The file; its name holds plotly's version, so that a browser never keeps an old one.
    """
    if static is None:
        context = get_script_run_ctx(suppress_warning=True)
        main = Path(context.main_script_path) if context else Path.cwd() / "app.py"
        static = main.resolve().parent / "static"
    source = files("plotly") / "package_data" / "plotly.min.js"
    target = static / f"plotly-{version('plotly')}.min.js"
    if target.exists():
        return target
    static.mkdir(parents=True, exist_ok=True)
    # written aside and renamed, so that no request ever sees half a file
    handle, aside = tempfile.mkstemp(dir=static, prefix=".plotly-", suffix=".part")
    part = Path(aside)
    try:
        with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy)
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
