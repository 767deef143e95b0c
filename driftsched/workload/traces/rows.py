"""What every trace reader gives: the good rows, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import TraceError

__all__ = ["MAX_ROWS", "MAX_TOKENS", "Collector", "RecordedRows", "TraceProblem"]

IntArray = NDArray[np.int64]

MAX_TOKENS = 1_000_000_000
MAX_ROWS = 20_000_000
MAX_PROBLEMS = 1000
MAX_CLIENTS = 100_000


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
    unanswered: int = 0
    problems: tuple[TraceProblem, ...] = ()
    problem_count: int = 0
    client: IntArray | None = None
    clients: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Collector:
    """Gathers rows block by block; the memory it takes is that of the numbers."""

    with_clients: bool
    columns: list[list[IntArray]] = field(default_factory=lambda: [[], [], [], []])
    names: dict[str, int] = field(default_factory=dict)
    problems: list[TraceProblem] = field(default_factory=list)
    problem_count: int = 0
    rows_read: int = 0
    unanswered: int = 0
    taken: int = 0

    def add(
        self,
        time_ns: IntArray,
        prompt: IntArray,
        output: IntArray,
        clients: Sequence[str] | pd.Series[str] | None,
    ) -> None:
        """Add good rows; those without output count as unanswered."""
        answered = output > 0
        self.unanswered += int((~answered).sum())
        self.taken += int(answered.sum())
        if self.taken > MAX_ROWS:
            raise TraceError(f"trace must have at most {MAX_ROWS} rows, got more")
        for column, values in zip(self.columns, (time_ns, prompt, output), strict=False):
            column.append(values[answered])
        if self.with_clients and clients is not None:
            codes, found = pd.factorize(np.asarray(clients, dtype=object))
            for name in found:
                self.names.setdefault(str(name), len(self.names))
            if len(self.names) > MAX_CLIENTS:
                raise TraceError(f"trace must have at most {MAX_CLIENTS} clients, got more")
            places = np.array([self.names[str(name)] for name in found], dtype=np.int64)
            self.columns[3].append(places[codes][answered])

    def note(self, problems: Sequence[TraceProblem]) -> None:
        """Keep problems, the first 1000 of all."""
        self.problem_count += len(problems)
        self.problems += problems[: MAX_PROBLEMS - len(self.problems)]

    def rows(self, notes: tuple[str, ...] = ()) -> RecordedRows:
        """Return everything gathered."""
        empty = np.empty(0, np.int64)
        time_ns, prompt, output, client = (np.concatenate([empty, *c]) for c in self.columns)
        return RecordedRows(
            time_ns=time_ns,
            prompt_tokens=prompt,
            output_tokens=output,
            rows_read=self.rows_read,
            unanswered=self.unanswered,
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            client=client if self.with_clients else None,
            clients=tuple(self.names),
            notes=notes,
        )
