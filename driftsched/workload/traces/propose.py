"""Propose which column of an unknown file means what, from names and contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from driftsched.core.errors import TraceError
from driftsched.scenario.recorded import TraceColumns
from driftsched.workload.traces.cells import BAD_TIME, TimeUnit, times_ns, whole_numbers
from driftsched.workload.traces.formats import detect
from driftsched.workload.traces.layout import Look, look
from driftsched.workload.traces.textfile import head

__all__ = ["TraceLook", "look_at_trace"]

WORDS = {
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
    """What a file looks like, for the user to confirm.

    Attributes
    ----------
    format : str or None
        Known format by its columns; None where there is none.
    names : tuple of str
        The file's columns.
    columns : TraceColumns or None
        Proposal for a file of no known format; None where too little can be told.
    reasons : tuple of str
        Why, a sentence a column.
    rows : tuple of dict
        First rows, name → text.
    """

    format: str | None
    names: tuple[str, ...]
    columns: TraceColumns | None
    reasons: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def look_at_trace(source: Path | BinaryIO) -> TraceLook:
    """Tell a file's format from its first lines, or propose what its columns mean.

    Raises
    ------
    TraceError
        One line: the file cannot be read, or is empty.
    """
    text = head(source)
    seen = look(text)
    name = detect(seen, text)
    if name is not None or seen.kind == "json":
        return TraceLook(name, seen.names, None, (), seen.rows)
    columns, reasons = _propose(seen)
    return TraceLook(None, seen.names, columns, reasons, seen.rows)


def _propose(seen: Look) -> tuple[TraceColumns | None, tuple[str, ...]]:
    cells = {name: [row.get(name, "") for row in seen.rows] for name in seen.names}
    units = {name: unit for name in seen.names if (unit := _unit(name, cells[name])) is not None}
    counts = [name for name in seen.names if _counts(cells[name])]
    time = _best("time", list(units))
    prompt = _best("prompt_tokens", [name for name in counts if name != time])
    output = _best("output_tokens", [name for name in counts if name not in (time, prompt)])
    if time is None or prompt is None or output is None:
        wanted = {"a time": time, "prompt tokens": prompt, "output tokens": output}
        lacking = [what for what, name in wanted.items() if name is None]
        return None, (f"no column could be told to hold {', '.join(lacking)}",)
    others = [name for name in seen.names if name not in (time, prompt, output)]
    client = _best("client", others)
    reasons = [
        f"{time!r} holds times ({units[time]})",
        f"{prompt!r} holds whole numbers and is named like prompt lengths",
        f"{output!r} holds whole numbers and is named like answer lengths",
    ]
    if client is not None:
        reasons.append(f"{client!r} is named like the sender")
    try:
        columns = TraceColumns(
            time=time,
            prompt_tokens=prompt,
            output_tokens=output,
            client=client,
            time_unit=units[time],
        )
    except ValueError:
        raise TraceError("trace must have column names of 1 to 200 characters") from None
    return columns, tuple(reasons)


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


def _counts(cells: Sequence[str]) -> bool:
    """Whether most cells are whole numbers of a length."""
    values = whole_numbers(list(cells))
    return len(values) > 0 and bool((values >= 0).mean() >= 0.9 and (values > 0).any())


def _unit(name: str, cells: Sequence[str]) -> TimeUnit | None:
    """Unit of a column of times; None where it holds none."""
    if len(cells) == 0:
        return None
    if (times_ns(list(cells), "datetime") != BAD_TIME).mean() >= 0.9:
        return "datetime"
    seconds = times_ns(list(cells), "ns")
    if (seconds != BAD_TIME).mean() < 0.9:
        return None
    values = np.array([float(cell) for cell, ns in zip(cells, seconds, strict=True) if ns >= 0])
    for unit in UNITS:
        if name.lower().endswith(f"_{unit}"):
            return unit
    top = float(values.max(initial=0))
    if top >= 1e17:
        return "ns"
    if top >= 1e14:
        return "us"
    if top >= 1e11:
        return "ms"
    gaps = np.diff(np.sort(values))
    whole = bool((values == np.rint(values)).all())
    return "ms" if top < 1e9 and whole and len(gaps) and float(np.median(gaps)) >= 50 else "s"
