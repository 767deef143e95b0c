"""DriftSched Studio: multi-tenant LLM inference scheduling under runtime token drift."""

from pathlib import Path

__version__ = "0.1.0"
__all__ = ["TOP", "__version__"]

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_top"
TOP = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
"""Folder of ``app.py``, ``pages/`` and ``presets/``: the checkout, or their copy in the wheel."""
