"""Azure's request traces: TIMESTAMP, ContextTokens, GeneratedTokens (AzurePublicDataset)."""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.errors import TraceError
from driftsched.workload.textfile import read_text

__all__ = ["AZURE_COLUMNS", "MAX_TOKENS", "RecordedRows", "TraceProblem", "read_azure"]

AZURE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
MAX_TOKENS = 1_000_000_000
TIME_PATTERN = r"\s*(?:19|20|21)\d\d-\d\d-\d\d[ T]\d\d:\d\d.*"
TIME_RULE = "must be a date and time of the years 1900 to 2199 as in 2023-11-16 18:17:03.9799600"
TOKEN_RULE = f"must be a whole number >= 1 and <= {MAX_TOKENS}"


@dataclass(frozen=True)
class TraceProblem:
    """A broken field: line counted from 1 (the header), column name or "" for the whole line."""

    line: int
    column: str
    message: str
    value: str

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        value = self.value if len(self.value) <= 60 else f"{self.value[:57]}..."
        return f"line {self.line}{column}: {self.message}, got {value!r}"


@dataclass(frozen=True)
class RecordedRows:
    """The good rows in the order of the file, and what is wrong with the others.

    Attributes
    ----------
    time_ns : int array, shape (n,)
        Nanoseconds since 1970.
    prompt_tokens, output_tokens : int arrays, shape (n,)
        At least 1.
    rows_read : int
        Rows below the header, good or not; blank lines are none.
    problems : tuple of TraceProblem
        By line; a row may have several.
    """

    time_ns: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    rows_read: int
    problems: tuple[TraceProblem, ...] = ()


def read_azure(source: Path | BinaryIO) -> RecordedRows:
    """Read a trace, plain or gzip, with or without byte order mark, with any line ends.

    Parameters
    ----------
    source : Path or binary file
        500 MB at most, also when unpacked. Further columns are left out.

    Raises
    ------
    TraceError
        One line: the file cannot be read, is too large, is not text, is empty, or its header lacks
        a column. Broken rows do not raise here.
    """
    text = read_text(source)
    try:
        header = next((row for row in csv.reader(io.StringIO(text, newline="")) if row), None)
    except csv.Error as error:
        raise TraceError(f"line 1: must be a header, got {error}") from None
    if header is None:
        raise TraceError("trace must have a header and rows, got an empty file")
    names = [name.strip() for name in header]
    missing = [name for name in AZURE_COLUMNS if name not in names]
    if missing:
        said = repr(",".join(names))
        raise TraceError(
            f"line 1: header must have {', '.join(AZURE_COLUMNS)}; missing {', '.join(missing)}, "
            f"got {said if len(said) <= 80 else said[:77] + '...'}"
        )
    rows = _clean(text, names)
    return rows if rows is not None else _checked(text, names)


def _clean(text: str, names: list[str]) -> RecordedRows | None:
    """Parse a file without any problem quickly; None where a closer look is due."""
    if '"' in text or len(set(names)) < len(names):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            first = pd.read_csv(io.StringIO(text), index_col=False, dtype=str, nrows=1)
            if "true" in " ".join(first.to_numpy(str).ravel()).lower():
                return None  # a column of nothing but True would pass as ones
            frame = pd.read_csv(
                io.StringIO(text),
                index_col=False,
                na_filter=False,
                skipinitialspace=True,
                dtype={"TIMESTAMP": str, "ContextTokens": np.int64, "GeneratedTokens": np.int64},
            )
            frame.columns = pd.Index(names)
            time_ns = _time_ns(frame["TIMESTAMP"])
    except (ValueError, OverflowError, Warning):  # pandas' parser errors are ValueErrors
        return None
    tokens = frame[["ContextTokens", "GeneratedTokens"]].to_numpy(dtype=np.int64)
    if (
        text.count(",") != (len(frame) + 1) * (len(names) - 1)
        or time_ns is None
        or ((tokens < 1) | (tokens > MAX_TOKENS)).any()
    ):
        return None
    return RecordedRows(time_ns, tokens[:, 0], tokens[:, 1], len(frame))


def _time_ns(times: pd.Series[str]) -> NDArray[np.int64] | None:
    """Nanoseconds since 1970, times without a zone taken as UTC; None if any is not a time."""
    if not times.str.fullmatch(TIME_PATTERN).all():
        return None
    parsed = pd.to_datetime(times.str.strip(), format="ISO8601", utc=True)
    return _nanoseconds(parsed)


def _nanoseconds(times: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    return times.dt.as_unit("ns").to_numpy(dtype="datetime64[ns]").astype(np.int64)


def _checked(text: str, names: list[str]) -> RecordedRows:
    """Parse line by line and note every problem with its line and column."""
    lines, cells, problems = _split(text, names)
    times = pd.Series([row[0] for row in cells], dtype=str)
    parsed = pd.to_datetime(
        times.where(times.str.fullmatch(TIME_PATTERN)).str.strip(),
        format="ISO8601",
        utc=True,
        errors="coerce",
    )
    good = [parsed.notna().to_numpy(dtype=np.bool_)]
    columns: list[NDArray[np.int64]] = []
    for index in (1, 2):
        values = _whole_numbers([row[index] for row in cells])
        columns.append(values)
        good.append((values >= 1) & (values <= MAX_TOKENS))
    for column, (name, rule) in enumerate(
        zip(AZURE_COLUMNS, (TIME_RULE, TOKEN_RULE, TOKEN_RULE), strict=True)
    ):
        problems += [
            TraceProblem(lines[row], name, rule, cells[row][column])
            for row in np.flatnonzero(~good[column])
        ]
    taken = good[0] & good[1] & good[2]
    problems.sort(key=lambda problem: problem.line)  # stable: by column inside a line
    wrong_width = sum(1 for problem in problems if not problem.column)
    return RecordedRows(
        time_ns=_nanoseconds(parsed[taken]),
        prompt_tokens=columns[0][taken],
        output_tokens=columns[1][taken],
        rows_read=len(cells) + wrong_width,
        problems=tuple(problems),
    )


def _whole_numbers(cells: list[str]) -> NDArray[np.int64]:
    """Values of the cells; 0, which no rule admits, where a cell is not a whole number."""
    texts = pd.Series(cells, dtype=str)
    whole = texts.str.fullmatch(r"\s*\+?[0-9]{1,10}\s*").to_numpy(dtype=np.bool_)
    return np.where(whole, texts, "0").astype(np.int64)


def _split(
    text: str, names: list[str]
) -> tuple[list[int], list[tuple[str, str, str]], list[TraceProblem]]:
    """Line numbers and the three cells of each row; rows of another width are problems."""
    where = [names.index(name) for name in AZURE_COLUMNS]
    lines: list[int] = []
    cells: list[tuple[str, str, str]] = []
    problems: list[TraceProblem] = []
    reader = csv.reader(io.StringIO(text, newline=""))
    header_seen, start = False, 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row) and len(row) <= 1:
                continue
            if not header_seen:
                header_seen = True
            elif len(row) != len(names):
                rule = f"must have {len(names)} columns"
                problems.append(TraceProblem(line, "", rule, f"{len(row)}: {','.join(row)}"))
            else:
                lines.append(line)
                cells.append((row[where[0]], row[where[1]], row[where[2]]))
    except csv.Error as error:
        raise TraceError(f"line {reader.line_num}: must be CSV, got {error}") from None
    return lines, cells, problems
