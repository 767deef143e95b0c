"""Cells of text → recorded requests: times and token counts by their rules, every problem named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from driftsched.core.arrays import Bools, Floats, Ints
from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import TimeUnit, TraceFormat
from driftsched.workload.traces.formats import DATE_TIME
from driftsched.workload.traces.textfile import MAX_ROWS

MAX_TOKENS = 1_000_000_000
MAX_PROBLEMS = 1000
MAX_CLIENTS = 100_000
LONGEST_VALUE = 200
MAX_NS = 9.2e18
BAD_TIME = np.iinfo(np.int64).min
"""Stands where a cell is no time; -1 where one is no count."""
NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
NUMBER = r"^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
WHOLE = r"^\+?[0-9]{1,10}(?:\.0*)?$"
MAX_BLOCKS = 20_000_000
BLOCKS = r"^\[\s*(?:[0-9]{1,18}\s*(?:,\s*[0-9]{1,18}\s*)*)?\]$"
BLOCKS_RULE = "must be a list of whole numbers >= 0 of at most 18 digits"
PREDICTED_RULE = f"must be a number > 0 and <= {MAX_TOKENS}, or nothing"


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


@dataclass
class RecordedRows:
    """The good rows in the order of the file, and what is wrong with the others.

    They are taken block by block with `check`, `add` and `broken`; `join` gives the arrays and the
    problems.

    Attributes
    ----------
    time_ns : int array, shape (n,)
        Nanoseconds since 1970 or since the trace's own beginning.
    prompt_tokens, output_tokens : int arrays, shape (n,)
        At least 1.
    client : int array, shape (n,), or None
        Positions in `clients`, names in order of appearance; None where the file does not say who
        sent a request.
    rows_read, unanswered : int
        Rows below the header, good or not, blank lines being none; and those left out because they
        record a failed request, without any output.
    problems, problem_count
        By line, at most 1000, several of a row too; and all of them.
    notes : tuple of str
        What the reader had to assume, in words.
    blocks : list array of int, shape (n,), or None
        What each prompt shares with others, block by block; see `TraceColumns`.
    block_tokens : int
        Tokens of a block.
    predicted_tokens : float array, shape (n,), or None
        Output tokens as predicted before; NaN where a row does not say.
    """

    time_ns: Ints = field(init=False)
    prompt_tokens: Ints = field(init=False)
    output_tokens: Ints = field(init=False)
    client: Ints | None = None
    clients: tuple[str, ...] = ()
    rows_read: int = 0
    unanswered: int = 0
    problems: tuple[TraceProblem, ...] = ()
    problem_count: int = 0
    notes: tuple[str, ...] = ()
    blocks: pa.ListArray[Any] | None = None
    block_tokens: int = 0
    predicted_tokens: Floats | None = None
    _broken_lines: list[TraceProblem] = field(default_factory=list)
    _wrong_cells: list[TraceProblem] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _parts: list[tuple[Ints, ...]] = field(default_factory=list)
    _lists: list[pa.ListArray[Any]] = field(default_factory=list)
    _predicted: list[Floats] = field(default_factory=list)
    _taken: int = 0
    _listed: int = 0

    def check(
        self, columns: Sequence[pa.Array[Any]], layout: TraceFormat, lines: Sequence[int] | Ints
    ) -> None:
        """Add the rows whose cells keep their columns' rules; note what is wrong with others.

        There is a column of texts for each name of the layout, and a line number for each row.
        """
        least = 0 if layout.failures else 1
        cells = dict(zip(layout.by_use, columns, strict=True))
        time_ns = _times_ns(cells["time"], layout.time_unit)
        prompt, output = (_whole_numbers(cells[f"{of}_tokens"]) for of in ("prompt", "output"))
        good = [
            time_ns != BAD_TIME,
            (prompt >= 1) & (prompt <= MAX_TOKENS),
            (output >= least) & (output <= MAX_TOKENS),
        ]
        rules = [_time_rule(layout.time_unit), _token_rule(1), _token_rule(least)]
        if layout.predicted_tokens is not None:
            predicted, right = _predictions(cells["predicted_tokens"])
            good.append(right)
            rules.append(PREDICTED_RULE)
        if layout.blocks is not None:
            found = pc.match_substring_regex(pc.utf8_trim_whitespace(cells["blocks"]), BLOCKS)
            good.append(found.to_numpy(zero_copy_only=False))
            rules.append(BLOCKS_RULE)
        wanted = MAX_PROBLEMS if len(self._wrong_cells) < MAX_PROBLEMS else 0
        for name, column, right, rule in zip(layout.names, columns, good, rules, strict=False):
            wrong = np.flatnonzero(~right)
            self.problem_count += len(wrong)
            self._wrong_cells += [
                TraceProblem(int(lines[row]), name, rule, column[row].as_py()[:LONGEST_VALUE])
                for row in wrong[:wanted].tolist()
            ]
        self.rows_read += len(time_ns)
        taken = np.logical_and.reduce(good)
        answered = taken & (output > 0)
        client = cells["client"].filter(pa.array(taken)) if layout.client is not None else None
        if layout.predicted_tokens is not None:
            self._predicted.append(predicted[answered])
        if layout.blocks is not None:
            self._add_blocks(cells["blocks"].filter(pa.array(answered)))
        self.add(time_ns[taken], prompt[taken], output[taken], client)

    def broken(self, line: int, rule: str, value: str) -> None:
        """Note a line that is no row at all."""
        self.rows_read += 1
        self.problem_count += 1
        if len(self._broken_lines) < MAX_PROBLEMS:
            self._broken_lines.append(TraceProblem(line, "", rule, value[:LONGEST_VALUE]))

    def add(self, time_ns: Ints, prompt: Ints, output: Ints, client: pa.Array[Any] | None) -> None:
        """Add good rows; those without output count as unanswered."""
        answered = output > 0
        self.unanswered += int((~answered).sum())
        self._taken += int(answered.sum())
        if self._taken > MAX_ROWS:
            raise TraceError(f"trace must have at most {MAX_ROWS} rows, got more")
        columns = [time_ns, prompt, output]
        if client is not None:
            found = pc.utf8_trim_whitespace(client).dictionary_encode()
            places = [
                self._places.setdefault(name, len(self._places))
                for name in found.dictionary.to_pylist()
            ]
            if len(self._places) > MAX_CLIENTS:
                raise TraceError(f"trace must have at most {MAX_CLIENTS} clients, got more")
            columns.append(np.array(places, np.int64)[found.indices.to_numpy()])
        self._parts.append(tuple(column[answered] for column in columns))

    def _add_blocks(self, cells: pa.Array[Any]) -> None:
        digits = pc.replace_substring_regex(cells, r"[\[\]\s]", "")
        parts = pc.split_pattern(digits, ",")
        none = pc.equal(digits, "")  # of no text one empty part is made
        empty = pa.scalar([], pa.list_(pa.string()))
        found = pc.if_else(none, empty, parts).cast(pa.list_(pa.int64()))
        self._lists.append(found)
        self._listed += len(found.flatten())
        if self._listed > MAX_BLOCKS:
            raise TraceError(f"trace must have at most {MAX_BLOCKS} blocks of prompts, got more")

    def join(self, with_clients: bool, blocks_of: int | None = None) -> Self:
        """Make arrays of all that was taken, and put the first problems in order.

        Blocks of `blocks_of` tokens, where rows have them.
        """
        empty = (np.empty(0, np.int64),) * (4 if with_clients else 3)
        columns = [np.concatenate(parts) for parts in zip(empty, *self._parts, strict=True)]
        self._parts.clear()
        if blocks_of is not None:
            self.blocks = pa.concat_arrays([pa.array([], pa.list_(pa.int64())), *self._lists])
            self.block_tokens = blocks_of
            self._lists.clear()
        if self._predicted:
            self.predicted_tokens = np.concatenate(self._predicted)
            self._predicted.clear()
        self.time_ns, self.prompt_tokens, self.output_tokens = columns[:3]
        self.clients = tuple(self._places)
        self.client = columns[3] if with_clients else None
        problems = [*self._broken_lines, *self._wrong_cells]
        # Stable: by column inside a line.
        self.problems = tuple(sorted(problems, key=attrgetter("line"))[:MAX_PROBLEMS])
        return self


def _time_rule(unit: TimeUnit) -> str:
    """What a time must be, in words."""
    if unit == "datetime":
        return "must be a date and time of the years 1900 to 2199 as in 2023-11-16 18:17:03.9799600"
    return f"must be a number of {UNITS[unit]} >= 0 and below 292 years"


def _token_rule(least: int) -> str:
    """What a token count must be, in words."""
    return f"must be a whole number >= {least} and <= {MAX_TOKENS}"


def _times_ns(cells: pa.Array[Any], unit: TimeUnit) -> Ints:
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


def _predictions(cells: pa.Array[Any]) -> tuple[Floats, Bools]:
    """Values of the cells, NaN where there is none, and whether each keeps the rule."""
    texts = pc.utf8_trim_whitespace(cells)
    right = pc.match_substring_regex(texts, NUMBER)
    numbers = pc.if_else(right, texts, "nan").cast(pa.float64()).to_numpy()
    empty = pc.equal(texts, "").to_numpy(zero_copy_only=False)
    return numbers, empty | ((numbers > 0) & (numbers <= MAX_TOKENS))


def _whole_numbers(cells: pa.Array[Any]) -> Ints:
    """Values of the cells; -1, which no rule admits, where a cell is not a whole number."""
    texts = pc.utf8_trim_whitespace(cells)
    whole = pc.match_substring_regex(texts, WHOLE)
    digits = pc.replace_substring_regex(pc.if_else(whole, texts, "-1"), r"^\+|\..*$", "")
    return np.asarray(digits.cast(pa.int64()).to_numpy())
