"""What commands print: JSON that any parser takes, tables that line up, remarks, progress."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic_core import to_json
from tqdm import tqdm


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout, numpy's numbers too; NaN and infinities become null."""
    text = to_json(data, indent=2, inf_nan_mode="null", fallback=lambda value: value.tolist())
    print(text.decode())


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


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Draw a bar on stderr, on a terminal only and only for work that takes a while.

    Yields
    ------
    callable
        To be called with the share of the work done, 0 to 1.
    """
    form = "{desc} {bar:30} {percentage:3.0f}%, {remaining} left"
    with tqdm(
        desc=label, total=1, bar_format=form, delay=0.5, miniters=0, leave=False, disable=None
    ) as bar:
        yield lambda share: bar.update(min(share, 1.0) - bar.n)
