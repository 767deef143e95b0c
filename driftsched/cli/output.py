"""What commands print: JSON that any parser takes, tables that line up, remarks, progress."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from driftsched.workload import import_trace

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["ProgressBar", "add_json", "aligned", "print_json", "share", "tell", "tell_trace"]

MOST_PROBLEMS = 20
"""So many rows of a trace that were left out are told one by one."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


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


def tell_trace(scenario: Scenario) -> dict[str, Any]:
    """Import the scenario's trace; tell what was read, mapped, cut and left out.

    Returns
    -------
    dict
        ``trace``: the same as data; empty where the scenario has no trace.
    """
    if scenario.trace is None:
        return {}
    found = import_trace(scenario, Path(scenario.trace.file))
    tell(
        f"trace {scenario.trace.file}: {found.rows_read} rows read, {found.rows_taken} taken, "
        f"{found.rows_skipped} skipped, {found.rows_cut} cut to fit the context"
    )
    for rule in found.rules:
        tell(f"  {rule}")
    for problem in found.problems[:MOST_PROBLEMS]:
        tell(f"  skipped: {problem}")
    if found.problem_count > MOST_PROBLEMS:
        tell(f"  and {found.problem_count - MOST_PROBLEMS} more problems")
    numbers = ("rows_read", "rows_taken", "rows_skipped", "rows_cut", "span_s")
    report = {"file": scenario.trace.file} | {name: getattr(found, name) for name in numbers}
    return {
        "trace": report | {"rules": list(found.rules), "problems": list(map(str, found.problems))}
    }


class ProgressBar:
    """A bar on stderr, in a ``with`` block, called with the share of the work done, 0 to 1.

    It is drawn on a terminal only, and only for work that takes a while.
    """

    AFTER_S = 0.5
    EVERY_S = 0.1
    WIDTH = 30

    def __init__(self, label: str) -> None:
        self.label = label
        self._shown = sys.stderr.isatty()
        self._started_s = self._drawn_s = time.monotonic()
        self._drawn = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._draw("")

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        spent = now - self._started_s
        if not self._shown or spent < self.AFTER_S or now - self._drawn_s < self.EVERY_S:
            return
        self._drawn_s, self._drawn = now, True
        share = min(1.0, max(0.0, share))
        filled = "█" * round(share * self.WIDTH)
        left = f", {spent * (1 - share) / share:.0f} s left" if share > 0.01 else ""
        self._draw(f"{self.label} {filled:░<{self.WIDTH}} {share:4.0%}{left}")

    @staticmethod
    def _draw(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
