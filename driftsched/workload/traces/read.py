"""Trace files → recorded requests: CSV, JSON lines, a benchmark's result."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import BENCH, FORMATS, SERVEGEN, TraceFormat, TraceSource
from driftsched.workload.traces.formats import (
    BENCH_LISTS,
    TraceLook,
    at_path,
    look,
)
from driftsched.workload.traces.rows import Cells, Collector, RecordedRows, TraceProblem
from driftsched.workload.traces.servegen import read_servegen
from driftsched.workload.traces.textfile import Block, blocks, head

__all__ = ["read_rows"]

LONGEST = 200
MAX_BENCH_BYTES = 100_000_000
OBJECT_RULE = "must be a JSON object"
BENCH_FORMAT = TraceFormat(
    time="start_times", prompt_tokens=BENCH_LISTS[0], output_tokens=BENCH_LISTS[1], failures=True
)


def read_rows(
    source: Path | BinaryIO,
    rules: TraceSource,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
) -> tuple[str, RecordedRows]:
    """Read a trace by its rules' format, which is told from the file where it is "auto".

    Parameters
    ----------
    source : Path or seekable binary file
    rules : TraceSource
    seed : int
        For a format that describes clients instead of requests, which are drawn then.
    progress : callable, optional
        Called by such a format with the share done, 0 to 1.

    Returns
    -------
    tuple of str and RecordedRows
        The name of the format, and the rows in the order of the file.

    Raises
    ------
    TraceError
        One line: the file cannot be read, is too large, is not text, is empty, or its columns are
        not those of the format. Broken rows do not raise here.
    """
    seen = look(head(source))
    name = seen.format if rules.format == "auto" else rules.format
    if name is None:
        raise _unknown(seen)
    if name == BENCH:
        return name, _read_bench(source)
    if name == SERVEGEN:
        return name, read_servegen(source, rules.from_s, rules.until_s, seed, progress)
    if rules.columns is None:
        layout = FORMATS[name]
    else:
        layout = TraceFormat(**rules.columns.model_dump(), failures=True)
    if seen.kind == "json":
        raise TraceError("line 1: must be a JSON object a line, or CSV, got another JSON value")
    if seen.kind == "csv" and not set(layout.names) <= set(seen.names):
        raise _lacks(seen, layout)
    rows = Collector()
    for block in blocks(source):
        csv_cells = seen.kind == "csv"
        rows.check(_csv(block, seen, layout) if csv_cells else _jsonl(block, layout), layout)
    return name, rows.rows(with_clients=layout.client is not None)


def _lacks(seen: TraceLook, layout: TraceFormat) -> TraceError:
    missing = [name for name in layout.names if name not in seen.names]
    return TraceError(
        f"line {seen.header_line}: header must have {', '.join(layout.names)}; missing "
        f"{', '.join(missing)}, got {_said(seen)}"
    )


def _unknown(seen: TraceLook) -> TraceError:
    """Name the format that is nearest to the header, else all of them."""
    nearest = max(FORMATS.values(), key=lambda layout: len(set(layout.names) & set(seen.names)))
    if seen.kind == "csv" and len(set(nearest.names) & set(seen.names)) > 1:
        return _lacks(seen, nearest)
    kinds = ", ".join([*FORMATS, BENCH, SERVEGEN])
    where = f"line {seen.header_line}: header" if seen.kind == "csv" else "line 1: trace"
    return TraceError(
        f"{where} must have the columns of a known format ({kinds}), or trace.columns must name "
        f"them, got {_said(seen)}"
    )


def _said(seen: TraceLook) -> str:
    said = repr(",".join(seen.names))
    return said if len(said) <= 80 else f"{said[:77]}..."


def _csv(block: Block, seen: TraceLook, layout: TraceFormat) -> Cells:
    """Cells of a block of CSV below the header; rows of another width are broken."""
    skipped = max(0, seen.header_line - block.first_line + 1)
    below = block.data.split(b"\n", skipped)[skipped:]
    if not below or not below[0].strip():
        return Cells([pa.array([], pa.string())] * len(layout.names), list)
    wide: list[pyarrow.csv.InvalidRow] = []
    places = [str(seen.names.index(name)) for name in layout.names]

    def note(row: pyarrow.csv.InvalidRow) -> str:
        wide.append(row)
        return "skip"

    def lines() -> list[int]:
        return _lines(below[0], seen.delimiter, block.first_line + skipped)

    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(below[0]),
            pyarrow.csv.ReadOptions(
                use_threads=False,
                block_size=len(below[0]) + 1,
                column_names=[str(place) for place in range(len(seen.names))],
            ),
            pyarrow.csv.ParseOptions(
                delimiter=seen.delimiter,
                newlines_in_values=True,
                invalid_row_handler=note,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()),
                include_columns=[*dict.fromkeys(places)],
            ),
        )
    except pa.ArrowInvalid as error:
        raise TraceError(f"line {block.first_line}: must be CSV, got {error}") from None

    at = lines() if wide else []
    broken = [
        TraceProblem(
            at[row.number - 1],
            "",
            f"must have {row.expected_columns} columns",
            f"{row.actual_columns}: {row.text}",
        )
        for row in wide
        if row.text.strip()
    ]
    odd = {row.number - 1 for row in wide}
    columns = [table[place].combine_chunks() for place in places]
    return Cells(columns, lambda: [line for n, line in enumerate(lines()) if n not in odd], broken)


def _lines(data: bytes, delimiter: str, first_line: int) -> list[int]:
    """Line in which each row of CSV begins; a quoted cell may go over several."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter)
    lines, start = [], first_line
    try:
        for row in reader:
            if row:
                lines.append(start)
            start = first_line + reader.line_num
    except csv.Error as error:
        line = first_line + reader.line_num - 1
        raise TraceError(f"line {line}: must be CSV, got {error}") from None
    return lines


def _jsonl(block: Block, layout: TraceFormat) -> Cells:
    """Cells of a block of one JSON object a line; other lines are broken."""
    lines: list[int] = []
    values: list[list[str]] = []
    broken: list[TraceProblem] = []
    for line, text in enumerate(block.text.split("\n"), start=block.first_line):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            said = str(error).partition(": line ")[0]
            broken.append(TraceProblem(line, "", f"{OBJECT_RULE} ({said})", text[:80]))
            continue
        if isinstance(record, dict):
            lines.append(line)
            values.append([_cell(at_path(record, name)) for name in layout.names])
        else:
            broken.append(TraceProblem(line, "", OBJECT_RULE, text[:80]))
    columns = list(zip(*values, strict=True)) or [()] * len(layout.names)
    return Cells([pa.array(column, pa.string()) for column in columns], lambda: lines, broken)


def _cell(value: Any) -> str:
    """Text of a value; what is neither number nor text fits no rule."""
    if type(value) is int:
        # Python writes no whole number of over 4300 digits; no rule admits one of 20.
        return str(value) if abs(value) < 10**20 else "a whole number of over 20 digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return value[:LONGEST].encode(errors="replace").decode()  # half a character is no text
    return "missing" if value is None else json.dumps(value)[:80]


def _read_bench(source: Path | BinaryIO) -> RecordedRows:
    """Read the result of ``vllm bench serve --save-result --save-detailed``.

    Without start_times, which older versions do not save, requests are spaced evenly over the
    benchmark's duration, and a note says so. Requests without output failed and are left out.
    """
    result = _bench_result(source)
    prompt, output = (result[name] for name in BENCH_LISTS)
    n = len(prompt)
    if n != len(output):
        raise TraceError(f"output_lens must be as many as input_lens ({n}), got {len(output)}")
    times, duration_s = result.get("start_times"), result.get("duration")
    notes: tuple[str, ...] = ()
    if not isinstance(times, list) or len(times) != n:
        if not isinstance(duration_s, int | float) or not 0 < float(duration_s) < 1e9:
            raise TraceError(
                "benchmark result must have start_times or a duration in seconds, got "
                f"{json.dumps(duration_s)[:60]}"
            )
        times = (np.arange(n) * (duration_s / max(n, 1))).tolist()
        notes = ("the file has no start times: requests are spaced evenly over its duration",)
    rows = Collector()
    columns = [
        pa.array(map(_cell, values), pa.string(), size=n) for values in (times, prompt, output)
    ]
    rows.check(Cells(columns, lambda: range(1, n + 1)), BENCH_FORMAT)
    return rows.rows(with_clients=False, notes=notes)


def _bench_result(source: Path | BinaryIO) -> dict[str, Any]:
    texts: list[str] = []
    for block in blocks(source):
        texts.append(block.text)
        if sum(map(len, texts)) > MAX_BENCH_BYTES:
            raise TraceError(
                f"trace must have at most {MAX_BENCH_BYTES} bytes as one JSON value, got more"
            )
    try:
        result = json.loads("".join(texts))
    except ValueError as error:
        raise TraceError(f"trace must be one JSON value: {error}") from None
    except RecursionError:
        raise TraceError("trace must be one JSON value, got one nested too deeply") from None
    if not isinstance(result, dict):
        raise TraceError("trace must be a JSON object or one object a line, got a list")
    missing = [name for name in BENCH_LISTS if not isinstance(result.get(name), list)]
    if missing:
        raise TraceError(
            f"benchmark result must have lists {' and '.join(BENCH_LISTS)} (save it with "
            f"--save-detailed), missing {', '.join(missing)}"
        )
    return result
