"""The scripts that we give the browser, by name: plotly.js, and one for each component."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

__all__ = ["PLOTLY_JS", "SCRIPTS", "Script"]

HERE = Path(__file__).resolve().parent
PLOTLY_JS = f"plotly-{version('plotly')}.min.js"
SCRIPTS: dict[str, Callable[[], bytes]] = {
    PLOTLY_JS: (files("plotly") / "package_data" / "plotly.min.js").read_bytes
}
"""Name → what gives the content. A name stands for one content for ever."""


class Script:
    """A component's JavaScript, behind what all our components share; served from now on.

    Parameters
    ----------
    own : Path
        The component's file; it has the default export that Streamlit calls.

    Attributes
    ----------
    name : str
        Of the module; it holds a hash of the content.
    lines : str
        What Streamlit is to send: they import the module.
    """

    def __init__(self, own: Path) -> None:
        parts = [(HERE / "shared.js").read_text("utf-8"), own.read_text("utf-8")]
        content = "\n".join(parts).replace("PLOTLY_JS", PLOTLY_JS, 1).encode()
        self.name = f"{own.stem}-{hashlib.sha256(content).hexdigest()[:12]}.js"
        self.lines = (HERE / "import.js").read_text("utf-8").replace("SCRIPT_JS", self.name, 1)
        SCRIPTS[self.name] = lambda: content
