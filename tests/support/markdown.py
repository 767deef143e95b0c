"""What a visitor reads of a text in Markdown."""

from __future__ import annotations

import re

__all__ = ["read"]


def read(text: str) -> str:
    """The text without the signs that keep it from being more than text."""
    return re.sub(r"\\(?=[^A-Za-z0-9\s])", "", text).replace("\u2060", "")
