"""Traffic files broken by chance: each loads within its rules, or is refused in one clear line."""

from __future__ import annotations

import gzip
import io
import json
import random

from driftsched.core.errors import TraceError
from driftsched.scenario import TraceSource
from driftsched.workload import look_at_trace
from driftsched.workload.traces.read import read_rows

ROWS = range(8)
WHOLE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    + "".join(f"2023-11-16 18:15:{i:02d}.68,{374 + i},{44 + i}\n" for i in ROWS),
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    + "".join(f'{5 * i},"GPT, {i}",{472 + i},{18 * (i % 3)},9,API log\n' for i in ROWS),
    "req_time;client;prompt_len;output_len\n"
    + "".join(f"{i};c{i};{5 + i};{18 + i}\n" for i in ROWS),
    "".join(
        json.dumps({"timestamp": 40 * i, "input_length": 9, "output_length": 5, "hash_ids": [i]})
        + "\n"
        for i in ROWS
    ),
    json.dumps({"duration": 9.5, "input_lens": [5, 6, 7], "output_lens": [8, 9, 0]}, indent=1),
)
JUNK = (
    *(
        "",
        "\0",
        '"',
        '""',
        "\n",
        "\r",
        "\r\n",
        ",",
        ";",
        "{",
        "[",
        "}",
        "]",
        ":",
        "\ufeff",
        "\u2028",
    ),
    *(
        "NaN",
        "-1",
        "1e400",
        "9" * 5000,
        "0x1",
        "null",
        "true",
        "1_0",
        "é",
        "\ud800",
        "1970",
        "[" * 99,
    ),
    *('{"a":' * 40, "a,b\n" * 50, ",".join(map(str, range(1200))), " ", "\t", "'", "\x1a", "\\"),
)


def trial(seed: int, n: int) -> list[str]:
    """Read `n` broken files; say what went wrong, one line each."""
    rng = random.Random(seed)
    return [said for _ in range(n) if (said := _tried(_file(rng)))]


def _file(rng: random.Random) -> bytes:
    text = rng.choice(WHOLE)
    for _ in range(rng.randint(0, 4)):
        start = rng.randint(0, len(text))
        stop = rng.choice((start, min(len(text), start + rng.randint(0, 60))))
        text = text[:start] + rng.choice(JUNK) * rng.choice((1, 1, 3)) + text[stop:]
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), "replace")
    if rng.random() < 0.3:
        data = gzip.compress(data, mtime=0)
    if rng.random() < 0.2:
        data = data[: rng.randint(0, len(data))]
    if data and rng.random() < 0.2:
        place = rng.randrange(len(data))
        data = data[:place] + rng.randbytes(3) + data[place + 1 :]
    return data


def _tried(data: bytes) -> str:
    """What is wrong with how a file was taken; empty where nothing is."""
    for read in (_look, _read):
        try:
            said = read(data)
        except TraceError as error:
            said = str(error)
            said = "" if "\n" not in said and len(said) < 500 else f"a long message: {said[:200]!r}"
        except Exception as error:  # noqa: BLE001  any other is what is looked for
            said = f"{type(error).__name__}: {error}"
        if said:
            return f"{read.__name__} of {data[:2000]!r}: {said}"
    return ""


def _look(data: bytes) -> str:
    look_at_trace(io.BytesIO(data))
    return ""


def _read(data: bytes) -> str:
    _, rows = read_rows(io.BytesIO(data), TraceSource(file="-", on_error="skip"))
    good = len(rows.time_ns) + rows.unanswered
    if good > rows.rows_read or good + rows.problem_count < rows.rows_read:
        return f"{rows.rows_read} rows read, {good} taken, {rows.problem_count} problems"
    if (rows.prompt_tokens < 1).any() or (rows.output_tokens < 1).any():
        return "a length below 1"
    lines = data.count(b"\n") + data.count(b"\r") + 1
    packed = data.startswith(b"\x1f\x8b")
    if not packed and any(not 1 <= problem.line <= lines for problem in rows.problems):
        return f"a problem in a line that is not there: {[str(one) for one in rows.problems]}"
    return ""
