"""Files in the static folder, which Streamlit serves: put in place once, whole, by need."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["ensure", "ensure_plotly_js", "plotly_js_name"]


def ensure(name: str, content: Callable[[], bytes], static: Path | None = None) -> Path:
    """Put a file where Streamlit serves it, unless it is there.

    Parameters
    ----------
    name : str
        Another content needs another name: the browser never asks again.
    content : callable
        Gives the content, where the file has to be written.
    static : Path or None
        The served folder; None is ``static`` beside the app's main script.

    Returns
    -------
    Path
        The file.
    """
    if static is None:
        context = get_script_run_ctx(suppress_warning=True)
        main = Path(context.main_script_path) if context else Path.cwd() / "app.py"
        static = main.resolve().parent / "static"
    target = static / name
    if target.exists():
        return target
    static.mkdir(parents=True, exist_ok=True)
    # written aside and renamed, so that no request ever sees half a file
    handle, aside = tempfile.mkstemp(dir=static, prefix=f".{name}-", suffix=".part")
    part = Path(aside)
    try:
        with os.fdopen(handle, "wb") as copy:
            copy.write(content())
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def plotly_js_name() -> str:
    """Name of plotly.js in the static folder; it holds plotly's version."""
    return f"plotly-{version('plotly')}.min.js"


def ensure_plotly_js(static: Path | None = None) -> Path:
    """Put plotly.min.js, as the installed plotly ships it, where Streamlit serves it.

    Parameters
    ----------
    static : Path or None
        As for `ensure`.

    Returns
    -------
    Path
        The file.
    """
    source = files("plotly") / "package_data" / "plotly.min.js"
    return ensure(plotly_js_name(), source.read_bytes, static)
