"""The script of a component: a module in the static folder, and the lines that import it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from driftsched.studio.front_end.files import ensure, ensure_plotly_js, plotly_js_name

__all__ = ["Script"]

HERE = Path(__file__).resolve().parent


class Script:
    """A component's JavaScript, behind what all our components share.

    Parameters
    ----------
    own : Path
        The component's file; it has the default export that Streamlit calls.

    Attributes
    ----------
    name : str
        Of the module in the static folder; it holds a hash of the content.
    lines : str
        What Streamlit is to send: they import the module.
    """

    def __init__(self, own: Path) -> None:
        parts = [(HERE / "shared.js").read_text("utf-8"), own.read_text("utf-8")]
        self._text = "\n".join(parts).replace("PLOTLY_JS", plotly_js_name(), 1)
        mark = hashlib.sha256(self._text.encode()).hexdigest()[:12]
        self.name = f"driftsched-{own.stem}-{mark}.js"
        self.lines = (HERE / "import.js").read_text("utf-8").replace("SCRIPT_JS", self.name, 1)

    def ensure(self) -> None:
        """Put the module and plotly.js where Streamlit serves them; call it before mounting."""
        ensure_plotly_js()
        ensure(self.name, self._text.encode)
