"""What commands print: JSON that any parser takes, tables that line up."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["aligned", "print_json", "share", "tell"]


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout; NaN and infinities become null."""
    print(json.dumps(_plain(data), indent=2, allow_nan=False, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first column to the left, numbers to the right.

    Examples
    --------
    >>> print(aligned(["policy", "P50"], [["fifo", "176 s"], ["sjf", "9.5 s"]]))
    policy    P50
    fifo    176 s
    sjf     9.5 s
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def share(part: float) -> str:
    """Write a share as a percentage, a dash where there is none (NaN)."""
    return f"{part:.0%}" if math.isfinite(part) else "–"


def tell(text: str) -> None:
    """Print a remark to stderr, so that stdout holds only what was asked for."""
    print(text, file=sys.stderr)
