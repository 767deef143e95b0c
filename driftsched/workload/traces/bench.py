"""A vLLM benchmark result (``vllm bench serve --save-result --save-detailed``) as a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from driftsched.core.errors import TraceError
from driftsched.workload.traces.rows import MAX_TOKENS, Collector, RecordedRows, TraceProblem
from driftsched.workload.traces.textfile import whole

__all__ = ["is_bench", "read_bench"]

MAX_JSON_BYTES = 100_000_000
NEEDED = ("input_lens", "output_lens")


def is_bench(names: tuple[str, ...], text: str) -> bool:
    """Whether the beginning of a JSON file looks like a benchmark result."""
    return "request_throughput" in names or all(f'"{name}"' in text for name in NEEDED)


def read_bench(source: Path | BinaryIO) -> RecordedRows:
    """Read the lengths, and the times where they are saved, of a benchmark's requests.

    Without start_times, which older versions do not save, requests are spaced evenly over the
    benchmark's duration, and a note says so. Requests without output failed and are left out.

    Raises
    ------
    TraceError
        The file is no JSON object of a benchmark that saved its requests.
    """
    result = _result(whole(source, MAX_JSON_BYTES))
    prompt, output = (_numbers(result, name) for name in NEEDED)
    n = min(len(prompt), len(output))
    if len(prompt) != len(output):
        raise TraceError(
            f"output_lens must be as many as input_lens ({len(prompt)}), got {len(output)}"
        )
    times, notes = _times(result, n)
    rows = Collector(with_clients=False)
    rows.rows_read = n
    good = np.ones(n, dtype=np.bool_)
    for name, values, least in (
        ("input_lens", prompt, 1),
        ("output_lens", output, 0),
        ("start_times", times, 0),
    ):
        most = MAX_TOKENS if name != "start_times" else 9.2e9
        right = (values >= least) & (values <= most)
        if name != "start_times":
            right &= values == np.rint(values)
        rule = f"must be a number >= {least} and <= {most:g}"
        rows.note(
            [TraceProblem(int(i) + 1, name, rule, f"{values[i]:g}") for i in np.where(~right)[0]]
        )
        good &= right
    time_ns = np.rint(times[good] * 1e9).astype(np.int64)
    rows.add(time_ns, prompt[good].astype(np.int64), output[good].astype(np.int64), None)
    return rows.rows(notes)


def _result(text: str) -> dict[str, Any]:
    try:
        result = json.loads(text)
    except ValueError as error:
        raise TraceError(f"trace must be one JSON value: {error}") from None
    except RecursionError:
        raise TraceError("trace must be one JSON value, got one nested too deeply") from None
    if not isinstance(result, dict):
        raise TraceError("trace must be a JSON object or one object a line, got a list")
    missing = [name for name in NEEDED if not isinstance(result.get(name), list)]
    if missing:
        raise TraceError(
            f"benchmark result must have lists {' and '.join(NEEDED)} (save it with "
            f"--save-detailed), missing {', '.join(missing)}"
        )
    return result


def _numbers(result: dict[str, Any], name: str) -> NDArray[np.float64]:
    values = result[name]
    for place, value in enumerate(values):
        if type(value) not in (int, float) or abs(value) > 1e15:
            said = json.dumps(value)[:60]
            raise TraceError(f"{name}[{place}] must be a number, got {said}")
    return np.array(values, dtype=np.float64)


def _times(result: dict[str, Any], n: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if isinstance(result.get("start_times"), list) and len(result["start_times"]) == n:
        times = _numbers(result, "start_times")
        return times - np.nanmin(times, initial=times[0] if n else 0.0), ()
    duration_s = result.get("duration")
    if not isinstance(duration_s, int | float) or not 0 < float(duration_s) < 1e9:
        raise TraceError(
            "benchmark result must have start_times or a duration in seconds, got "
            f"{json.dumps(duration_s)[:60]}"
        )
    note = "the file has no start times: requests are spaced evenly over its duration"
    even: NDArray[np.float64] = np.arange(n, dtype=np.float64) * (duration_s / max(n, 1))
    return even, (note,)
