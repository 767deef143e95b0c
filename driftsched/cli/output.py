"""What commands print: JSON that any parser takes, tables that line up, remarks, progress."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from tqdm import tqdm

from driftsched.workload import import_trace

if TYPE_CHECKING:
    from driftsched.scenario import Scenario

__all__ = ["add_json", "aligned", "print_json", "progress_bar", "share", "tell", "tell_trace"]

MOST_PROBLEMS = 20
"""So many rows of a trace that were left out are told one by one."""


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
