"""Formats of recorded traffic, and which one a file has.

A new format with one request a row is one `Layout` in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from driftsched.core.errors import TraceError
from driftsched.core.registry import Registry
from driftsched.scenario.recorded import TraceColumns, TraceSource
from driftsched.workload.traces.bench import is_bench, read_bench
from driftsched.workload.traces.csv_rows import read_csv
from driftsched.workload.traces.json_rows import read_jsonl
from driftsched.workload.traces.layout import Layout, Look, look
from driftsched.workload.traces.rows import Collector, RecordedRows
from driftsched.workload.traces.servegen import RATE_COLUMNS, read_servegen
from driftsched.workload.traces.textfile import blocks, head

__all__ = ["BENCH", "FORMATS", "SERVEGEN", "detect", "layout_of", "read_rows"]

BENCH = "vllm_bench"
SERVEGEN = "servegen"

FORMATS: Registry[Layout] = Registry("trace format")
FORMATS.add("azure", Layout("TIMESTAMP", "ContextTokens", "GeneratedTokens", "datetime"))
FORMATS.add(
    "burstgpt",
    Layout("Timestamp", "Request tokens", "Response tokens", client="Model", failures=True),
)
FORMATS.add("arena", Layout("req_time", "prompt_len", "output_len", client="client"))
FORMATS.add(
    "qwen_bailian",
    Layout("timestamp", "input_length", "output_length", client="type", also=("chat_id",)),
)
FORMATS.add(
    "mooncake", Layout("timestamp", "input_length", "output_length", "ms", also=("hash_ids",))
)


def detect(seen: Look, text: str) -> str | None:
    """Name of the format that the first lines of a file have; None where no known one fits."""
    if seen.kind == "json":
        return BENCH if is_bench(seen.names, text) else None
    if set(RATE_COLUMNS) <= set(seen.names):
        return SERVEGEN
    for name, layout in FORMATS.items():
        lists = {name for name in layout.also if f'"{name}"' in text}
        if {*layout.names, *layout.also} <= {*seen.names, *lists}:
            return name
    return None


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
    text = head(source)
    seen = look(text)
    name: str = rules.format
    if name == "auto":
        found = detect(seen, text)
        if found is None:
            raise _unknown(seen)
        name = found
    if name == BENCH:
        return name, read_bench(source)
    if name == SERVEGEN:
        return name, read_servegen(source, rules.from_s, rules.until_s, seed, progress)
    layout = FORMATS[name] if rules.columns is None else layout_of(rules.columns)
    if seen.kind == "json":
        raise TraceError("line 1: must be a JSON object a line, or CSV, got another JSON value")
    missing = [column for column in layout.names if column not in seen.names]
    if missing and seen.kind == "csv":
        raise _lacks(seen, layout, missing)
    rows = Collector(with_clients=layout.client is not None)
    if seen.kind == "csv":
        read_csv(blocks(source), seen, layout, rows)
    else:
        read_jsonl(blocks(source), layout, rows)
    return name, rows.rows()


def layout_of(columns: TraceColumns) -> Layout:
    """Layout of a user's own columns."""
    return Layout(
        columns.time,
        columns.prompt_tokens,
        columns.output_tokens,
        columns.time_unit,
        columns.client,
        failures=True,
    )


def _lacks(seen: Look, layout: Layout, missing: list[str]) -> TraceError:
    return TraceError(
        f"line {seen.header_line}: header must have {', '.join(layout.names)}; missing "
        f"{', '.join(missing)}, got {_said(seen)}"
    )


def _unknown(seen: Look) -> TraceError:
    """Name the format that is nearest to the header, else all of them."""
    if seen.kind == "csv":
        found = {
            name: sum(column in seen.names for column in layout.names)
            for name, layout in FORMATS.items()
        }
        nearest = max(found, key=lambda name: found[name])
        if found[nearest] > 1:
            layout = FORMATS[nearest]
            return _lacks(seen, layout, [n for n in layout.names if n not in seen.names])
    kinds = ", ".join([*FORMATS, BENCH, SERVEGEN])
    where = f"line {seen.header_line}: header" if seen.kind == "csv" else "line 1: trace"
    return TraceError(
        f"{where} must have the columns of a known format ({kinds}), or trace.columns must name "
        f"them, got {_said(seen)}"
    )


def _said(seen: Look) -> str:
    said = repr(",".join(seen.names))
    return said if len(said) <= 80 else f"{said[:77]}..."
