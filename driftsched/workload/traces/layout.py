"""Which column of a trace means what, and where the columns stand in a file."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from driftsched.core.errors import TraceError
from driftsched.workload.traces.cells import TimeUnit

__all__ = ["Layout", "Look", "at_path", "look"]

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Layout:
    """The columns of a format.

    Attributes
    ----------
    time, prompt_tokens, output_tokens : str
        Names of columns; in JSON a dotted name steps into an object.
    time_unit : str
        s, ms, us, ns or datetime.
    client : str or None
        Column that says who sent a request.
    also : tuple of str
        Further columns by which the format is told from others.
    failures : bool
        Whether rows without output record failed requests, to be left out.
    """

    time: str
    prompt_tokens: str
    output_tokens: str
    time_unit: TimeUnit = "s"
    client: str | None = None
    also: tuple[str, ...] = ()
    failures: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that must be there."""
        client = () if self.client is None else (self.client,)
        return (self.time, self.prompt_tokens, self.output_tokens, *client)


@dataclass(frozen=True)
class Look:
    """First lines of a file, seen as a table.

    Attributes
    ----------
    kind : str
        "csv", "jsonl" (one object a line) or "json" (one value).
    names : tuple of str
        Columns; of JSON those of the first object, nested ones dotted.
    delimiter : str
        Between the cells of CSV.
    header_line : int
        Line of the CSV header.
    rows : tuple of dict
        A few rows, name → text.
    """

    kind: str
    names: tuple[str, ...]
    delimiter: str = ","
    header_line: int = 0
    rows: tuple[dict[str, str], ...] = ()


def look(text: str, most: int = 50) -> Look:
    """Tell what a file looks like from its first lines.

    Raises
    ------
    TraceError
        It is empty or has no header.
    """
    if not text.strip():
        raise TraceError("trace must have a header and rows, got an empty file")
    if text.lstrip()[0] in "{[":
        return _json_look(text, most)
    return _csv_look(text, most)


def at_path(record: Any, path: str) -> Any:
    """Value of a dotted name in nested objects; None where there is none."""
    if isinstance(record, dict) and path in record:
        return record[path]
    for part in path.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def _csv_look(text: str, most: int) -> Look:
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
            if len(rows) >= most:
                break
    except csv.Error as error:
        if not names:
            raise TraceError(f"line {reader.line_num}: must be CSV, got {error}") from None
    return Look("csv", names, delimiter, line, tuple(rows))


def _json_look(text: str, most: int) -> Look:
    records = []
    for line in text.split("\n")[:most]:
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            if line.strip():
                break
    found = [record for record in records if isinstance(record, dict)]
    if not found or (len(found) == 1 and "input_lens" in found[0]):
        # One value over many lines, or one result a file: read as a whole.
        return Look("json", tuple(_flat(found[0])) if found else ())
    rows = tuple({n: _shown(v) for n, v in _flat(record).items()} for record in found)
    return Look("jsonl", tuple(rows[0]), rows=rows)


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
