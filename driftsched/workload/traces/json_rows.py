"""JSON lines → rows: one object a request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from driftsched.workload.traces.cells import BAD_TIME, numbers_ns
from driftsched.workload.traces.csv_rows import Cells, collect
from driftsched.workload.traces.layout import Layout, at_path
from driftsched.workload.traces.rows import MAX_TOKENS, Collector, TraceProblem
from driftsched.workload.traces.textfile import Block

__all__ = ["read_jsonl"]

LONGEST = 200
OBJECT_RULE = "must be a JSON object"


def read_jsonl(parts: Iterable[Block], layout: Layout, rows: Collector) -> None:
    """Read a file of one JSON object a line into `rows`; broken lines are noted as problems."""
    for block in parts:
        found = Cells()
        values: list[tuple[Any, ...]] = []
        for line, text in enumerate(block.text.split("\n"), start=block.first_line):
            if not text.strip():
                continue
            try:
                record = json.loads(text)
            except (ValueError, RecursionError) as error:
                said = str(error).partition(": line ")[0]
                found.problems.append(TraceProblem(line, "", f"{OBJECT_RULE} ({said})", text[:80]))
                continue
            if isinstance(record, dict):
                found.lines.append(line)
                values.append(tuple(at_path(record, name) for name in layout.names))
            else:
                found.problems.append(TraceProblem(line, "", OBJECT_RULE, text[:80]))
        if found.problems or not _fast(values, layout, rows):
            found.cells = [tuple(_cell(value) for value in row) for row in values]
            collect(found, layout, rows)


def _fast(values: list[tuple[Any, ...]], layout: Layout, rows: Collector) -> bool:
    """Take rows whose every value is a number by the rules; False, nothing done, where not."""
    if not values or layout.time_unit == "datetime":
        return False
    time, prompt, output, *client = zip(*values, strict=True)
    if {*map(type, prompt), *map(type, output)} != {int} or not {*map(type, time)} <= {int, float}:
        return False
    if client and {*map(type, client[0])} != {str}:
        return False
    least = 0 if layout.failures else 1
    if min(prompt) < 1 or min(output) < least or max(map(max, (prompt, output))) > MAX_TOKENS:
        return False
    time_ns = numbers_ns(np.array([min(at, 1e30) for at in time], np.float64), layout.time_unit)
    if (time_ns == BAD_TIME).any():
        return False
    rows.rows_read += len(values)
    names = [name[:LONGEST].strip() for name in client[0]] if client else None
    rows.add(time_ns, np.array(prompt, np.int64), np.array(output, np.int64), names)
    return True


def _cell(value: Any) -> str:
    """Text of a value; what is neither number nor text fits no rule."""
    if type(value) is int:
        # Python writes no whole number of over 4300 digits; no rule admits one of 20.
        return str(value) if abs(value) < 10**20 else "a whole number of over 20 digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return value[:LONGEST]
    return "missing" if value is None else json.dumps(value)[:80]
