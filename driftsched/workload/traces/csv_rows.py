"""CSV → rows: a fast reader for clean blocks, and one that names every problem."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from driftsched.core.errors import TraceError
from driftsched.workload.traces.cells import (
    BAD_TIME,
    TimeUnit,
    numbers_ns,
    time_rule,
    times_ns,
    token_rule,
    whole_numbers,
)
from driftsched.workload.traces.layout import Layout, Look
from driftsched.workload.traces.rows import MAX_TOKENS, Collector, TraceProblem
from driftsched.workload.traces.textfile import Block

__all__ = ["Cells", "collect", "read_csv"]


def read_csv(parts: Iterable[Block], seen: Look, layout: Layout, rows: Collector) -> None:
    """Read a CSV file block by block into `rows`.

    Raises
    ------
    TraceError
        It is not CSV; the line is named. Broken rows do not raise here.
    """
    for part in parts:
        block = _below(part, seen.header_line)
        if block.text.strip() and not _fast(block, seen, layout, rows):
            _checked(block, seen, layout, rows)


def _below(block: Block, header_line: int) -> Block:
    """Return the lines below the header."""
    skip = header_line - block.first_line + 1
    if skip <= 0:
        return block
    text = "".join(block.text.split("\n", skip)[skip:])
    return Block(block.first_line + skip, text.encode(), text)


def _fast(block: Block, seen: Look, layout: Layout, rows: Collector) -> bool:
    """Parse a block without any problem; False, and nothing done, where a closer look is due."""
    if '"' in block.text or len(set(seen.names)) < len(seen.names):
        return False
    where = [seen.names.index(name) for name in layout.names]
    numeric = layout.time_unit != "datetime"
    kinds = [np.float64 if numeric else str, np.int64, np.int64, str]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            first = block.text.split("\n", 1)[0]
            if "true" in first.lower() or not first.strip():
                return False  # a column of nothing but True would pass as ones
            frame = pd.read_csv(
                io.BytesIO(block.data),
                sep=seen.delimiter,
                header=None,
                names=range(len(seen.names)),
                usecols=sorted(set(where)),
                index_col=False,
                na_filter=False,
                skipinitialspace=True,
                dtype=dict(zip(where, kinds, strict=False)),
            )
    except (ValueError, OverflowError, Warning):  # pandas' parser errors are ValueErrors
        return False
    if block.text.count(seen.delimiter) != len(frame) * (len(seen.names) - 1):
        return False
    if len(set(where)) < len(where):
        return False
    time, prompt, output = (frame[column] for column in where[:3])
    if numeric:
        time_ns = numbers_ns(time.to_numpy(dtype=np.float64), layout.time_unit)
    else:
        time_ns = times_ns(time, layout.time_unit)
    tokens = np.stack([prompt.to_numpy(np.int64), output.to_numpy(np.int64)])
    least = np.array([[1], [0 if layout.failures else 1]])
    if (time_ns == BAD_TIME).any() or ((tokens < least) | (tokens > MAX_TOKENS)).any():
        return False
    rows.rows_read += len(frame)
    clients = frame[where[3]].str.strip() if layout.client is not None else None
    rows.add(time_ns, tokens[0], tokens[1], clients)
    return True


@dataclass
class Cells:
    """Cells of the columns asked for, as text, and the lines they stand in."""

    lines: list[int] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[TraceProblem] = field(default_factory=list)


def _checked(block: Block, seen: Look, layout: Layout, rows: Collector) -> None:
    """Parse line by line and note every problem with its line and column."""
    where = [seen.names.index(name) for name in layout.names]
    found = Cells()
    reader = csv.reader(io.StringIO(block.text, newline=""), delimiter=seen.delimiter)
    before = block.first_line - 1
    start = before + 1
    try:
        for row in reader:
            line, start = start, before + reader.line_num + 1
            if len(row) <= 1 and not any(cell.strip() for cell in row):
                continue
            if len(row) == len(seen.names):
                found.lines.append(line)
                found.cells.append(tuple(row[place] for place in where))
            else:
                rule = f"must have {len(seen.names)} columns"
                value = f"{len(row)}: {seen.delimiter.join(row)}"
                found.problems.append(TraceProblem(line, "", rule, value))
    except csv.Error as error:
        line = before + reader.line_num
        raise TraceError(f"line {line}: must be CSV, got {error}") from None
    collect(found, layout, rows)


def collect(found: Cells, layout: Layout, rows: Collector) -> None:
    """Check cells by their columns' rules; add the good rows and note the problems."""
    rows.rows_read += len(found.cells) + len(found.problems)
    columns = list(zip(*found.cells, strict=True)) or [(), (), (), ()]
    unit: TimeUnit = layout.time_unit
    values = [times_ns(columns[0], unit), whole_numbers(columns[1]), whole_numbers(columns[2])]
    least = [BAD_TIME + 1, 1, 0 if layout.failures else 1]
    most = [np.iinfo(np.int64).max, MAX_TOKENS, MAX_TOKENS]
    rules = [time_rule(unit), token_rule(1), token_rule(least[2])]
    good = [(v >= low) & (v <= high) for v, low, high in zip(values, least, most, strict=True)]
    problems = found.problems
    for column, right in enumerate(good):
        problems += [
            TraceProblem(
                found.lines[row], layout.names[column], rules[column], found.cells[row][column]
            )
            for row in np.flatnonzero(~right)
        ]
    problems.sort(key=lambda problem: problem.line)  # stable: by column inside a line
    rows.note(problems)
    taken = good[0] & good[1] & good[2]
    clients = None
    if layout.client is not None:
        clients = [columns[3][row].strip() for row in np.flatnonzero(taken)]
    rows.add(values[0][taken], values[1][taken], values[2][taken], clients)
