"""Recorded traffic → table of requests, by the mapping rules of the scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from driftsched.core.arrays import Ints
from driftsched.core.errors import ScenarioError, TraceError
from driftsched.scenario.model import Scenario
from driftsched.scenario.recorded import SERVEGEN, TraceSource
from driftsched.workload.arrive import PhaseRequests
from driftsched.workload.assemble import assemble
from driftsched.workload.drift import Drift
from driftsched.workload.streams import Streams
from driftsched.workload.table import Segment, Workload
from driftsched.workload.traces import prefixes
from driftsched.workload.traces.mapping import Misfits, categories, in_words, select, tenants
from driftsched.workload.traces.read import read_rows
from driftsched.workload.traces.rows import RecordedRows, TraceProblem


@dataclass(frozen=True)
class TraceImport:
    """An imported trace, its first request at 0, and what was done to it.

    Attributes
    ----------
    workload : Workload
        One segment named "trace".
    rows_read, rows_taken : int
        Rows in the file below its header, and requests made of them.
    rows_skipped, rows_unanswered : int
        Rows left out because of a problem, not those over the limit; and because they record a
        failed request, without any output.
    rows_cut, tokens_cut : int
        Answers shortened so that prompt and answer fit into cluster.context_tokens, by how much.
    rows_too_long, tokens_too_long : int
        Requests whose prompt alone fills the context, with their recorded answers; they are in the
        workload, and admission rejects them.
    problems, problem_count
        Broken fields, by line, the first 1000; and how many there are in all.
    span_s : float
        Seconds from the first to the last request taken, time_scale applied.
    in_order : bool
        False where the rows had to be sorted by time.
    rules : tuple of str
        What was mapped to what, in words.
    format, clients
        As which the file was read, and how many clients it names.
    """

    workload: Workload
    rows_read: int
    rows_taken: int
    rows_skipped: int
    rows_cut: int
    tokens_cut: int
    rows_too_long: int
    tokens_too_long: int
    rows_unanswered: int
    problems: tuple[TraceProblem, ...]
    problem_count: int
    span_s: float
    in_order: bool
    rules: tuple[str, ...]
    format: str
    clients: int


def import_trace(
    scenario: Scenario,
    source: Path | BinaryIO,
    seed: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> TraceImport:
    """Read recorded traffic by the rules of ``scenario.trace``, whose `file` is not looked at.

    Arrival times and lengths are the recorded ones; tenants, categories, prompt texts and words
    per token are not in the file and come from the scenario's rules and from the seed, by default
    the scenario's. ``scenario.lengths`` does not apply. Answers are cut to what the prompt leaves
    of cluster.context_tokens, as in `generate`.

    Parameters
    ----------
    source : Path or binary file
        One request a row, in one of the known formats or with the columns that ``trace.columns``
        names: CSV with a header, or JSON lines; or a vLLM benchmark result. Gzip is unpacked; 500
        MB at most, unpacked; read in blocks.
    progress : callable, optional
        Called with the share done, 0 to 1, where requests are drawn for many clients.

    Raises
    ------
    TraceError
        One line: the file cannot be read, no row is left, or a row is broken and
        ``trace.on_error`` is "stop"; then the first problem and the number of the others are named.
    ScenarioError
        The scenario has no `trace`, or the seed is negative.
    """
    if scenario.trace is None:
        raise ScenarioError("trace must be set to import recorded traffic, got none")
    seed = scenario.seed if seed is None else seed
    streams = Streams(seed, 1)
    name, rules, rows, order = taken(source, scenario.trace, streams, seed, progress)
    requests, misfits = _mapped(scenario, rules, streams, rows, order)
    span_s = float(requests.arrival_s[-1])
    segments = (Segment("trace", 0, len(order), span_s),)
    if rows.blocks is not None:
        blocks = rows.blocks.take(pa.array(order))
        requests = prefixes.with_prefixes(scenario, streams, requests, blocks, rows.block_tokens)
    workload = assemble(scenario, streams, [requests], segments, Drift(scenario, streams, [0.0]))
    shared = () if rows.blocks is None else prefixes.in_words(scenario, workload, rows.block_tokens)
    in_order = bool((np.diff(rows.time_ns) >= 0).all())
    too_long = misfits.in_words(scenario.cluster.context_tokens, rows.prompt_tokens[order].max())
    return TraceImport(
        workload=workload,
        rows_read=rows.rows_read,
        rows_taken=len(order),
        rows_skipped=rows.rows_read - len(rows.time_ns) - rows.unanswered,
        **misfits._asdict(),
        rows_unanswered=rows.unanswered,
        problems=rows.problems,
        problem_count=rows.problem_count,
        span_s=span_s,
        in_order=in_order,
        rules=in_words(rules, rows, in_order) + too_long + shared,
        format=name,
        clients=len(rows.clients),
    )


def _mapped(
    scenario: Scenario, rules: TraceSource, streams: Streams, rows: RecordedRows, order: Ints
) -> tuple[PhaseRequests, Misfits]:
    """Rows taken → requests of the scenario's tenants and categories, and what does not fit."""
    time_ns = rows.time_ns[order]
    prompt, output = rows.prompt_tokens[order], rows.output_tokens[order]
    category = categories(scenario, rules, prompt, output)
    context = scenario.cluster.context_tokens
    # The recorded answer must not show in what is known at admission, nor in the longest allowed.
    maximum = np.full(len(order), context)
    if rules.cap:
        maxima = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
        maximum = maxima[category]
        output = np.minimum(output, maximum)
    requests = PhaseRequests(
        arrival_s=(time_ns - time_ns[0]) / 1e9 * rules.time_scale,
        tenant=tenants(scenario, rules, streams, rows, order),
        category=category,
        prompt_tokens=prompt,
        output_tokens=output,
        max_output_tokens=maximum,
        predicted_tokens=None if rows.predicted_tokens is None else rows.predicted_tokens[order],
    )
    return requests, Misfits.of(prompt, output, context)


def taken(
    source: Path | BinaryIO,
    rules: TraceSource,
    streams: Streams,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[str, TraceSource, RecordedRows, Ints]:
    """Read a trace and choose its rows: its format, the rules left, the rows, which are taken.

    Raises
    ------
    TraceError
        One line: a row is broken and the rules say to stop, or no row is usable.
    """
    name, rows = read_rows(source, rules, seed, progress)
    if name == SERVEGEN:  # its times were chosen when it was read
        rules = rules.model_copy(update={"from_s": 0.0, "until_s": None})
    if rows.problems and rules.on_error == "stop":
        more = rows.problem_count - 1
        also = f" (and {more} more problem{'' if more == 1 else 's'})" if more else ""
        raise TraceError(f"{rows.problems[0]}{also}")
    if len(rows.time_ns) == 0:
        usable = "request with an answer" if rows.unanswered else "usable row"
        first = f"; {rows.problems[0]}" if rows.problems and not rows.unanswered else ""
        raise TraceError(f"trace must have at least 1 {usable}, got 0 of {rows.rows_read}{first}")
    return name, rules, rows, select(rows, rules, streams)
