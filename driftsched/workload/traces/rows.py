"""Cells of text → recorded requests: times and token counts by their rules, every problem named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import TimeUnit, TraceFormat
from driftsched.workload.traces.formats import DATE_TIME

__all__ = ["MAX_ROWS", "Cells", "Collector", "RecordedRows", "TraceProblem"]

IntArray = NDArray[np.int64]

MAX_TOKENS = 1_000_000_000
MAX_ROWS = 20_000_000
MAX_PROBLEMS = 1000
MAX_CLIENTS = 100_000
MAX_NS = 9.2e18
BAD_TIME = np.iinfo(np.int64).min
"""Stands where a cell is no time; -1 where one is no count."""
NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
NUMBER = r"^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
WHOLE = r"^\+?[0-9]{1,10}(?:\.0*)?$"


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
        Nanoseconds since 1970 or since the trace's own beginning.
    prompt_tokens, output_tokens : int arrays, shape (n,)
        At least 1.
    rows_read : int
        Rows below the header, good or not; blank lines are none.
    unanswered : int
        Rows left out because they record a failed request, without any output.
    problems : tuple of TraceProblem
        By line, at most 1000; a row may have several.
    problem_count : int
        All of them.
    client : int array, shape (n,), or None
        Positions in `clients`; None where the file does not say who sent a request.
    clients : tuple of str
        In order of appearance.
    notes : tuple of str
        What the reader had to assume, in words.
    """

    time_ns: IntArray
    prompt_tokens: IntArray
    output_tokens: IntArray
    rows_read: int
    unanswered: int
    problems: tuple[TraceProblem, ...]
    problem_count: int
    client: IntArray | None
    clients: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """Rows of a file as text, a column for each name of a layout, and broken lines.

    `lines` gives the line of each row; it is asked only where a cell is wrong.
    """

    columns: Sequence[pa.Array[Any]]
    lines: Callable[[], Sequence[int]]
    broken: Sequence[TraceProblem] = ()


@dataclass
class Collector:
    """Gathers rows block by block; the memory it takes is that of the numbers."""

    columns: list[tuple[IntArray, ...]] = field(default_factory=list)
    clients: dict[str, int] = field(default_factory=dict)
    problems: list[TraceProblem] = field(default_factory=list)
    problem_count: int = 0
    rows_read: int = 0
    unanswered: int = 0
    taken: int = 0

    def check(self, cells: Cells, layout: TraceFormat) -> None:
        """Add the rows whose cells keep their columns' rules; note what is wrong with others."""
        least = 0 if layout.failures else 1
        time_ns = times_ns(cells.columns[0], layout.time_unit)
        prompt, output = (whole_numbers(column) for column in cells.columns[1:3])
        good = (
            time_ns != BAD_TIME,
            (prompt >= 1) & (prompt <= MAX_TOKENS),
            (output >= least) & (output <= MAX_TOKENS),
        )
        rules = (time_rule(layout.time_unit), token_rule(1), token_rule(least))
        self.rows_read += len(time_ns) + len(cells.broken)
        taken = good[0] & good[1] & good[2]
        client = cells.columns[3] if layout.client is not None else None
        if not taken.all() or cells.broken:
            lines = [] if taken.all() else cells.lines()
            problems = [*cells.broken]
            for name, column, right, rule in zip(
                layout.names, cells.columns, good, rules, strict=False
            ):
                problems += [
                    TraceProblem(lines[row], name, rule, column[row].as_py())
                    for row in np.flatnonzero(~right).tolist()
                ]
            problems.sort(key=lambda problem: problem.line)  # stable: by column inside a line
            self.problem_count += len(problems)
            self.problems += problems[: MAX_PROBLEMS - len(self.problems)]
            client = None if client is None else client.filter(pa.array(taken))
        self.add(time_ns[taken], prompt[taken], output[taken], client)

    def add(
        self, time_ns: IntArray, prompt: IntArray, output: IntArray, client: pa.Array[Any] | None
    ) -> None:
        """Add good rows; those without output count as unanswered."""
        answered = output > 0
        self.unanswered += int((~answered).sum())
        self.taken += int(answered.sum())
        if self.taken > MAX_ROWS:
            raise TraceError(f"trace must have at most {MAX_ROWS} rows, got more")
        columns = [time_ns, prompt, output]
        if client is not None:
            found = pc.utf8_trim_whitespace(client).dictionary_encode()
            places = [
                self.clients.setdefault(name, len(self.clients))
                for name in found.dictionary.to_pylist()
            ]
            if len(self.clients) > MAX_CLIENTS:
                raise TraceError(f"trace must have at most {MAX_CLIENTS} clients, got more")
            columns.append(np.array(places, np.int64)[found.indices.to_numpy()])
        self.columns.append(tuple(column[answered] for column in columns))

    def rows(self, with_clients: bool, notes: tuple[str, ...] = ()) -> RecordedRows:
        """Return everything gathered."""
        empty = (np.empty(0, np.int64),) * (4 if with_clients else 3)
        columns = [np.concatenate(parts) for parts in zip(empty, *self.columns, strict=True)]
        return RecordedRows(
            time_ns=columns[0],
            prompt_tokens=columns[1],
            output_tokens=columns[2],
            rows_read=self.rows_read,
            unanswered=self.unanswered,
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            client=columns[3] if with_clients else None,
            clients=tuple(self.clients),
            notes=notes,
        )


def time_rule(unit: TimeUnit) -> str:
    """What a time must be, in words."""
    if unit == "datetime":
        return "must be a date and time of the years 1900 to 2199 as in 2023-11-16 18:17:03.9799600"
    return f"must be a number of {UNITS[unit]} >= 0 and below 292 years"


def token_rule(least: int) -> str:
    """What a token count must be, in words."""
    return f"must be a whole number >= {least} and <= {MAX_TOKENS}"


def times_ns(cells: pa.Array[Any], unit: TimeUnit) -> IntArray:
    """Nanoseconds since 1970 or since 0, shape (n,); `BAD_TIME` where a cell is no time.

    Times without a zone are taken as UTC.
    """
    texts = pc.utf8_trim_whitespace(cells)
    if unit != "datetime":
        right = pc.match_substring_regex(texts, NUMBER)
        numbers = pc.if_else(right, texts, "nan").cast(pa.float64()).to_numpy()
        scaled = numbers * NS[unit]
        good = np.isfinite(numbers) & (numbers >= 0) & (scaled < MAX_NS)
        return np.where(good, np.rint(np.where(good, scaled, 0.0)), BAD_TIME).astype(np.int64)
    texts = pc.if_else(pc.match_substring_regex(texts, f"^{DATE_TIME}"), texts, None)
    try:
        times = texts.cast(pa.timestamp("ns"))
    except pa.ArrowInvalid:  # a zone, or no time after all: pandas reads what can be read
        parsed = pd.to_datetime(texts.to_pandas(), format="ISO8601", utc=True, errors="coerce")
        times = pa.array(parsed.dt.as_unit("ns")).cast(pa.timestamp("ns"))
    return np.asarray(times.cast(pa.int64()).fill_null(BAD_TIME).to_numpy())


def whole_numbers(cells: pa.Array[Any]) -> IntArray:
    """Values of the cells; -1, which no rule admits, where a cell is not a whole number."""
    texts = pc.utf8_trim_whitespace(cells)
    whole = pc.match_substring_regex(texts, WHOLE)
    digits = pc.replace_substring_regex(pc.if_else(whole, texts, "-1"), r"^\+|\..*$", "")
    return np.asarray(digits.cast(pa.int64()).to_numpy())
