"""Which format a file of recorded traffic has; what its columns may mean where it has none."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import pandas as pd

from driftsched.core.arrays import Floats
from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import (
    BENCH,
    FORMATS,
    OTLP,
    PROMETHEUS,
    SERVEGEN,
    TimeUnit,
    TraceColumns,
)
from driftsched.workload.traces.otlp import MARK
from driftsched.workload.traces.textfile import MAX_COLUMNS, head

BENCH_LISTS = ("input_lens", "output_lens")
SERVEGEN_COLUMNS = ("client", "t_s", "rate_rps", "iat_cv", "iat_dist", "param_shape")
DELIMITERS = (",", ";", "\t", "|")
MOST_ROWS = 50
MOST_CELLS = 0.9
"""Share of a column's cells by which its kind is told."""
DATE_TIME = r"(?:19|20|21)\d\d-\d\d-\d\d[ T]\d\d:\d\d"

WORDS = {
    "predicted_tokens": ("predicted", "prediction", "estimated", "estimate", "forecast"),
    "time": ("timestamp", "arrival", "arrived", "time", "start", "date", "created", "when", "ts"),
    "prompt_tokens": ("prompt", "input", "context", "request", "in"),
    "output_tokens": ("output", "completion", "generated", "response", "answer", "reply", "out"),
    "client": ("tenant", "client", "user", "customer", "account", "team", "org", "model", "key"),
}
COUNTS = ("token", "length", "len", "count", "size", "num", "n")
NOT_TOKENS = ("time", "latency", "second", "ms", "cost", "price", "id", "rate")
UNITS: tuple[TimeUnit, ...] = ("ms", "us", "ns", "s")
"""Told from the end of a column's name: start_ms."""


@dataclass(frozen=True)
class TraceLook:
    """First lines of a file, seen as a table; a proposal is for the user to confirm.

    Attributes
    ----------
    kind : str
        "csv", "jsonl" (one object a line) or "json" (one value).
    names : tuple of str
        Columns; of JSON those of the first object, nested ones dotted.
    delimiter, header_line
        Between the cells of CSV, and where its header stands.
    rows : tuple of dict
        A few rows, name → text.
    format : str or None
        Known format by its columns.
    columns, reasons
        Proposal for a file of no known format, None where too little can be told; and why, a
        sentence a column.
    """

    kind: Literal["csv", "jsonl", "json"]
    names: tuple[str, ...]
    delimiter: str = ","
    header_line: int = 0
    rows: tuple[dict[str, str], ...] = ()
    format: str | None = None
    columns: TraceColumns | None = None
    reasons: tuple[str, ...] = ()


def look_at_trace(source: Path | BinaryIO) -> TraceLook:
    """Tell a file's format from its first lines, or propose what its columns mean.

    Raises
    ------
    TraceError
        One line: the file cannot be read, is empty, or has no header or too many columns.
    """
    text = head(source)
    if not text.strip():
        raise TraceError("trace must have a header and rows, got an empty file")
    seen = _json_look(text) if text.lstrip()[0] in "{[" else _csv_look(text)
    if len(seen.names) > MAX_COLUMNS:
        raise TraceError(f"trace must have at most {MAX_COLUMNS} columns, got {len(seen.names)}")
    name = _detect(seen, text)
    if name is not None or seen.kind == "json":
        return replace(seen, format=name)
    columns, reasons = _propose(seen)
    return replace(seen, columns=columns, reasons=reasons)


def at_path(record: Any, path: str) -> Any:
    """Value of a dotted name in nested objects; None where there is none."""
    if not isinstance(record, dict) or path in record:
        return record.get(path) if isinstance(record, dict) else None
    head, _, rest = path.partition(".")
    return at_path(record.get(head), rest) if rest else None


def _detect(seen: TraceLook, text: str) -> str | None:
    if seen.kind != "csv" and re.match(rf'\s*\{{\s*"{MARK}"', text):
        return OTLP
    if seen.kind != "csv" and '"resultType"' in text and '"matrix"' in text:
        return PROMETHEUS
    if seen.kind == "json":
        lists = all(f'"{name}"' in text for name in BENCH_LISTS)
        return BENCH if lists or "request_throughput" in seen.names else None
    if set(SERVEGEN_COLUMNS) <= set(seen.names):
        return SERVEGEN
    fitting = {
        name: len(known.names) + len(known.also)
        for name, known in FORMATS.items()
        if all(
            column in seen.names or (seen.kind == "jsonl" and f'"{column}"' in text)
            for column in (*known.names, *known.also)
        )
    }
    return max(fitting, key=lambda name: fitting[name], default=None)


def _csv_look(text: str) -> TraceLook:
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: tuple[str, ...] = ()
    line = 1
    rows: list[dict[str, str]] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not names:
                names, line = tuple(cell.strip() for cell in row), reader.line_num
            elif len(row) == len(names):
                rows.append(dict(zip(names, row, strict=True)))
            if len(rows) >= MOST_ROWS:
                break
    except csv.Error as error:
        if not names:
            raise TraceError(f"line {reader.line_num}: must be CSV, got {error}") from None
    return TraceLook("csv", names, delimiter, line, tuple(rows))


def _json_look(text: str) -> TraceLook:
    records = []
    for line in text.split("\n")[:MOST_ROWS]:
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            if line.strip():
                break
    found = [record for record in records if isinstance(record, dict)]
    if not found or (len(found) == 1 and "input_lens" in found[0]):
        # One value over many lines, or one result a file: read as a whole.
        return TraceLook("json", tuple(_flat(found[0])) if found else ())
    rows = tuple({n: _shown(v) for n, v in _flat(record).items()} for record in found)
    return TraceLook("jsonl", tuple(rows[0]), rows=rows)


def _flat(record: dict[str, Any], before: str = "", depth: int = 3) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and depth:
            flat |= _flat(value, f"{before}{name}.", depth - 1)
        elif not isinstance(value, list):
            flat[f"{before}{name}"] = value
    return flat


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _propose(seen: TraceLook) -> tuple[TraceColumns | None, tuple[str, ...]]:
    cells = {name: [row.get(name, "") for row in seen.rows] for name in seen.names}
    units = {name: unit for name in seen.names if (unit := _unit(name, cells[name])) is not None}
    counts = [name for name in seen.names if _counts(cells[name])]
    found: dict[str, str | None] = {}
    fitting = {"time": list(units), "prompt_tokens": counts, "output_tokens": counts}
    # Before answers, whose names a prediction's may hold.
    some = [name for name in seen.names if np.nansum(_numbers(cells[name])) > 0]
    candidates = {"predicted_tokens": some, **fitting, "client": seen.names}
    for what, names in candidates.items():
        found[what] = _best(what, [name for name in names if name not in found.values()])
    lacking = [what.replace("_", " ") for what in fitting if found[what] is None]
    if lacking:
        return None, (f"no column could be told to hold {', '.join(lacking)}",)
    unit = units[str(found["time"])]
    reasons = [
        f"{found['time']!r} holds times ({unit})",
        f"{found['prompt_tokens']!r} holds whole numbers and is named like prompt lengths",
        f"{found['output_tokens']!r} holds whole numbers and is named like answer lengths",
    ]
    if found["predicted_tokens"] is not None:
        reasons.append(f"{found['predicted_tokens']!r} is named like predicted answer lengths")
    if found["client"] is not None:
        reasons.append(f"{found['client']!r} is named like the sender")
    try:
        return TraceColumns.model_validate({**found, "time_unit": unit}), tuple(reasons)
    except ValueError:
        return None, ("column names of over 200 characters cannot be chosen",)


def _best(what: str, names: Sequence[str]) -> str | None:
    """Name that sounds most like `what`; the earlier of equals, None where none does."""
    scores = {name: _score(what, name) for name in names}
    best = max(names, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] > 0 else None


def _score(what: str, name: str) -> float:
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    score = 0.0
    for rank, wanted in enumerate(WORDS[what]):
        if any(word == wanted or (len(wanted) > 2 and word.startswith(wanted)) for word in words):
            score = max(score, 2.0 - rank / 100)
    if score and what.endswith("_tokens"):
        if any(word.startswith(counted) for word in words for counted in COUNTS):
            score += 1
        if any(word == other for word in words for other in NOT_TOKENS):
            score -= 2
    return score


def _numbers(cells: Sequence[str]) -> Floats:
    """Values of the cells; NaN where one is no number of 0 or more."""
    values = pd.to_numeric(pd.Series(cells, dtype=str).str.strip(), errors="coerce")
    numbers = values.to_numpy(np.float64)
    return np.where(np.isfinite(numbers) & (numbers >= 0), numbers, np.nan)


def _counts(cells: Sequence[str]) -> bool:
    """Whether most cells are whole numbers of a length."""
    values = _numbers(cells)
    return bool((values > 0).any() and (values == np.rint(values)).mean() >= MOST_CELLS)


def _unit(name: str, cells: Sequence[str]) -> TimeUnit | None:
    """Unit of a column of times; None where it holds none."""
    if len(cells) == 0:
        return None
    if np.mean([re.match(DATE_TIME, cell.strip()) is not None for cell in cells]) >= MOST_CELLS:
        return "datetime"
    numbers = _numbers(cells)
    values = numbers[~np.isnan(numbers)]
    if len(values) < MOST_CELLS * len(numbers):
        return None
    for unit in UNITS:
        if name.lower().endswith(f"_{unit}"):
            return unit
    top = float(values.max(initial=0))
    for unit, least in (("ns", 1e17), ("us", 1e14), ("ms", 1e11)):  # since 1970
        if top >= least:
            return unit
    gaps = np.diff(np.sort(values))
    whole = bool((values == np.rint(values)).all())
    return "ms" if top < 1e9 and whole and len(gaps) and float(np.median(gaps)) >= 50 else "s"
