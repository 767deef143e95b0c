"""One sentence about what a scenario will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One sentence about what will happen.

    Attributes
    ----------
    level : str
        error (cannot work), warning (will hurt), info (worth knowing), ok.
    about : str
        Where to look: the name of a phase or tenant, or kv, drift, lengths, prefill.
    text : str
        The sentence.
    """

    level: Literal["error", "warning", "info", "ok"]
    about: str
    text: str
