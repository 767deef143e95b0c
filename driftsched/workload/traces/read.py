"""Trace files → recorded requests: CSV, JSON lines, a benchmark's result."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import (
    BENCH,
    FORMATS,
    OTLP,
    PREDICTED,
    PROMETHEUS,
    SERVEGEN,
    TraceFormat,
    TraceSource,
)
from driftsched.workload.traces.formats import BENCH_LISTS, TraceLook, at_path, look_at_trace
from driftsched.workload.traces.otlp import requests_in
from driftsched.workload.traces.prometheus import read_prometheus
from driftsched.workload.traces.rows import LONGEST_VALUE, RecordedRows, TraceProblem
from driftsched.workload.traces.servegen import read_servegen
from driftsched.workload.traces.textfile import (
    LONGEST_RECORD,
    MAX_VALUES,
    TextStream,
    lines,
    texts,
    unpacked,
)

BLOCK_LINES = 20_000
MAX_JSON_BYTES = 100_000_000
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

    Returns the name of the format, and the rows in the order of the file. `seed` and `progress`
    (called with the share done, 0 to 1) are for a format that describes clients instead of
    requests, which are drawn then.

    Raises
    ------
    TraceError
        One line: the file cannot be read, is too large, is not text, is empty, or its columns are
        not those of the format. Broken rows do not raise here.
    """
    seen = look_at_trace(source)
    name = seen.format if rules.format == "auto" else rules.format
    if name is None:
        raise _unknown(seen)
    if name in (BENCH, SERVEGEN, PROMETHEUS):
        return name, _read_whole(name, source, rules, seed, progress)
    if rules.columns is None:
        layout = FORMATS[name]
    else:
        layout = TraceFormat(**rules.columns.model_dump(), failures=True)
    if rules.columns is None and any(PREDICTED in row for row in seen.rows):
        layout = layout.model_copy(update={"predicted_tokens": PREDICTED})
    if seen.kind == "json" and name != OTLP:
        raise TraceError("line 1: must be a JSON object a line, or CSV, got another JSON value")
    rows = RecordedRows()
    with unpacked(source) as stream:
        if seen.kind != "csv":
            _read_jsonl(stream, layout, rows, requests_in if name == OTLP else None)
        elif set(layout.names) <= set(seen.names):
            _read_csv(stream, seen, layout, rows)
        else:
            raise _lacks(seen, layout)
    rows.join(layout.client is not None, None if layout.blocks is None else layout.block_tokens)
    if seen.kind == "csv" and rows.problems:
        with unpacked(source) as stream:
            rows.problems = _with_lines(stream, seen, rows.problems)
    return name, rows


def _read_whole(
    name: str,
    source: Path | BinaryIO,
    rules: TraceSource,
    seed: int,
    progress: Callable[[float], None] | None,
) -> RecordedRows:
    """Read a format that has not one request a row."""
    if name == SERVEGEN:
        return read_servegen(source, rules.from_s, rules.until_s, seed, progress)
    with unpacked(source) as stream:
        value = _json_value(stream)
    return _read_bench(value) if name == BENCH else read_prometheus(value, seed)


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
    kinds = ", ".join([*FORMATS, BENCH, SERVEGEN, PROMETHEUS])
    where = f"line {seen.header_line}: header" if seen.kind == "csv" else "line 1: trace"
    return TraceError(
        f"{where} must have the columns of a known format ({kinds}), or trace.columns must name "
        f"them, got {_said(seen)}"
    )


def _said(seen: TraceLook) -> str:
    said = repr(",".join(seen.names))
    return said if len(said) <= 80 else f"{said[:77]}..."


def _read_csv(stream: BinaryIO, seen: TraceLook, layout: TraceFormat, rows: RecordedRows) -> None:
    """Take the rows of CSV below its header; those of another width are broken."""
    width = len(seen.names)
    odd: list[int] = []
    places = [str(seen.names.index(name)) for name in layout.names]

    def note(row: pyarrow.csv.InvalidRow) -> str:
        odd.append(row.number)
        if row.text.strip():
            rows.broken(
                row.number, f"must have {width} columns", f"{row.actual_columns}: {row.text}"
            )
        return "skip"

    first = seen.header_line + 1  # rows are numbered as if all lines before had been rows
    try:
        with pyarrow.csv.open_csv(
            TextStream(stream),
            pyarrow.csv.ReadOptions(
                use_threads=False,
                block_size=LONGEST_RECORD,
                column_names=[str(place) for place in range(width)],
                skip_rows=seen.header_line,
            ),
            pyarrow.csv.ParseOptions(
                delimiter=seen.delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()),
                include_columns=[*dict.fromkeys(places)],
            ),
        ) as reader:
            for batch in reader:
                numbers = np.arange(first, first + len(batch) + len(odd))
                numbers = np.setdiff1d(numbers, odd, assume_unique=True)[: len(batch)]
                rows.check([batch[place] for place in places], layout, numbers)
                if len(numbers):
                    first = int(numbers[-1]) + 1
                odd[:] = [number for number in odd if number >= first]
    except pa.ArrowInvalid as error:
        raise TraceError(f"line {first}: must be CSV, got {error}") from None


def _with_lines(
    stream: BinaryIO, seen: TraceLook, problems: Sequence[TraceProblem]
) -> tuple[TraceProblem, ...]:
    """Problems by the line in which their row begins, since quoted cells may go over several."""
    reader = csv.reader(islice(lines(stream), seen.header_line, None), delimiter=seen.delimiter)
    found: list[int] = []
    start = seen.header_line + 1
    try:
        for row in reader:
            if row:
                found.append(start)
            start = seen.header_line + 1 + reader.line_num
            if seen.header_line + len(found) == problems[-1].line:
                break
    except csv.Error as error:
        raise TraceError(f"line {start}: must be CSV, got {error}") from None
    return tuple(replace(one, line=found[one.line - seen.header_line - 1]) for one in problems)


def _read_jsonl(
    stream: BinaryIO,
    layout: TraceFormat,
    rows: RecordedRows,
    inside: Callable[[dict[str, Any]], Iterator[dict[str, Any]]] | None,
) -> None:
    """Take one JSON object a line, or those `inside` it; other lines are broken."""
    at: list[int] = []
    cells: list[list[str]] = [[] for _ in layout.names]

    def take() -> None:
        rows.check([pa.array(column, pa.string()) for column in cells], layout, at)
        at.clear()
        for column in cells:
            column.clear()

    for line, text in enumerate(lines(stream), start=1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            said = str(error).partition(": line ")[0]
            rows.broken(line, f"{OBJECT_RULE} ({said})", text)
            continue
        if not isinstance(record, dict):
            rows.broken(line, OBJECT_RULE, text)
            continue
        for each in (record,) if inside is None else inside(record):
            at.append(line)
            for column, name in zip(cells, layout.names, strict=True):
                column.append(_cell_of(each, name, layout))
            if len(at) == BLOCK_LINES:
                take()
    take()


def _cell_of(record: dict[str, Any], name: str, layout: TraceFormat) -> str:
    value = at_path(record, name)
    if value is None and name == layout.predicted_tokens:
        return ""
    return json.dumps(value) if name == layout.blocks else _cell(value)


def _cell(value: Any) -> str:
    """Text of a value; what is neither number nor text fits no rule."""
    if type(value) is int:
        # Python writes no whole number of over 4300 digits; no rule admits one of 20.
        return str(value) if abs(value) < 10**20 else "a whole number of over 20 digits"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return (
            value[:LONGEST_VALUE].encode(errors="replace").decode()
        )  # half a character is no text
    return "missing" if value is None else json.dumps(value)[:80]


def _read_bench(result: dict[str, Any]) -> RecordedRows:
    """Read the result of ``vllm bench serve --save-result --save-detailed``.

    Without start_times, which older versions do not save, requests are spaced evenly over the
    benchmark's duration, and a note says so. Requests without output failed and are left out.
    """
    missing = [name for name in BENCH_LISTS if not isinstance(result.get(name), list)]
    if missing:
        raise TraceError(
            f"benchmark result must have lists {' and '.join(BENCH_LISTS)} (save it with "
            f"--save-detailed), missing {', '.join(missing)}"
        )
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
    rows = RecordedRows(notes=notes)
    columns = [
        pa.array(map(_cell, values), pa.string(), size=n) for values in (times, prompt, output)
    ]
    rows.check(columns, BENCH_FORMAT, range(1, n + 1))
    return rows.join(with_clients=False)


def _json_value(stream: BinaryIO) -> dict[str, Any]:
    """Read a file that is one JSON object."""
    found: list[str] = []
    size = values = 0
    for text in texts(stream):
        found.append(text)
        size += len(text)
        values += text.count(",") + text.count("[") + text.count("{")
        if size > MAX_JSON_BYTES or values > MAX_VALUES:
            raise TraceError(
                f"trace must have at most {MAX_JSON_BYTES} bytes and {MAX_VALUES} values as one "
                "JSON value, got more"
            )
    try:
        result = json.loads("".join(found))
    except ValueError as error:
        raise TraceError(f"trace must be one JSON value: {error}") from None
    except RecursionError:
        raise TraceError("trace must be one JSON value, got one nested too deeply") from None
    if not isinstance(result, dict):
        raise TraceError("trace must be a JSON object or one object a line, got a list")
    return result
