"""Files from users, broken in every way: each loads, or is refused in one clear line."""

from __future__ import annotations

import gzip
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftsched.core.errors import TraceError
from driftsched.scenario import TraceColumns, TraceSource
from driftsched.workload import look_at_trace
from driftsched.workload.traces.read import read_rows

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:15:{i:02d}.6805900,{374 + i},{44 + i}\n" for i in range(12)
)
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n" + "".join(
    f"{5 * i},ChatGPT,{472 + i},{18 * (i % 3)},{490 + i},Conversation log\n" for i in range(12)
)
ARENA = "req_time,client,prompt_len,output_len\n" + "".join(
    f"{i * 0.4},model-{i % 3},{5 + i},{18 + i}\n" for i in range(12)
)
MOONCAKE = "\n".join(
    json.dumps({"timestamp": 40 * i, "input_length": 9 + i, "output_length": 5, "hash_ids": [i]})
    for i in range(12)
)
QWEN = "\n".join(
    json.dumps(
        {"chat_id": i, "parent_chat_id": -1, "timestamp": i * 0.5, "input_length": 20 + i}
        | {"output_length": 7, "type": "text", "turn": 1}
        | ({} if i % 3 else {"predicted_tokens": 7.5})
    )
    for i in range(12)
)
BENCH = json.dumps(
    {"duration": 9.5, "completed": 3, "request_throughput": 0.3, "input_lens": [5, 6, 7]}
    | {"output_lens": [8, 9, 0], "start_times": [1000.5, 1001.0, 1003.0]}
)
OWN = "when;who;prompt_tokens;completion_tokens;forecast\n" + "".join(
    f"{i * 0.25};team {i % 2};{10 + i};{30 + i};{'' if i % 3 else 50 + i}\n" for i in range(12)
)
FILES = {
    "azure": AZURE,
    "burstgpt": BURST,
    "arena": ARENA,
    "mooncake": MOONCAKE,
    "qwen_bailian": QWEN,
    "vllm_bench": BENCH,
    "columns": OWN,
}
OWN_COLUMNS = TraceColumns(
    time="when",
    prompt_tokens="prompt_tokens",
    output_tokens="completion_tokens",
    predicted_tokens="forecast",
    client="who",
)
JUNK = st.sampled_from(
    [
        *(
            "",
            "-1",
            "NaN",
            "nan",
            "inf",
            "1e400",
            "9" * 30,
            "x",
            "\0",
            '"',
            "'",
            "\n",
            "\r\n",
            "\r",
        ),
        *(",", ";", "{", "[", "}", "null", "true", "1.5", "\ufeff", "é", "\u2028", " ", "0", "1_0"),
    ]
)


def rules(name: str) -> TraceSource:
    if name == "columns":
        return TraceSource(file="-", format="columns", columns=OWN_COLUMNS)
    return TraceSource(file="-")


def loads_or_one_line(data: bytes, name: str) -> None:
    try:
        _, rows = read_rows(io.BytesIO(data), rules(name))
    except TraceError as error:
        said = str(error)
        assert "\n" not in said, said
        assert len(said) < 500, said
    else:
        n = len(rows.time_ns)
        assert len(rows.prompt_tokens) == len(rows.output_tokens) == n
        assert (rows.prompt_tokens >= 1).all()
        assert (rows.output_tokens >= 1).all()
        assert n + rows.unanswered + rows.problem_count >= rows.rows_read
        assert n + rows.unanswered <= rows.rows_read
        assert all(problem.line >= 1 for problem in rows.problems)
    try:
        look_at_trace(io.BytesIO(data))
    except TraceError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", FILES)
def test_whole_file_loads_as_its_format(name: str) -> None:
    """A format taken for another one would read other columns or other units."""
    found, rows = read_rows(io.BytesIO(FILES[name].encode()), rules(name))
    assert found == name
    assert rows.problems == ()
    assert len(rows.time_ns) + rows.unanswered == rows.rows_read == (3 if "vllm" in name else 12)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_mutated_file_loads_or_is_one_line(name: str, data: st.DataObject) -> None:
    """Whatever a file holds, the user sees a table or one line; never a traceback."""
    text = FILES[name]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + data.draw(JUNK) + text[stop:]
    loads_or_one_line(text.encode(), name)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_cut_or_damaged_bytes_load_or_are_one_line(name: str, data: st.DataObject) -> None:
    """Downloads end early, and files are not always what their name says."""
    raw = FILES[name].encode()
    if data.draw(st.booleans()):
        raw = gzip.compress(raw, mtime=0)
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    if raw and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:place] + data.draw(st.binary(min_size=1, max_size=4)) + raw[place:]
    loads_or_one_line(raw, name)


@pytest.mark.parametrize("name", [name for name in FILES if name != "vllm_bench"])
@pytest.mark.parametrize("bad", ["-5", "NaN", "x", ""])
def test_bad_token_count_names_line_and_column(name: str, bad: str) -> None:
    """The user has to find the cell that is wrong."""
    lines = FILES[name].split("\n")
    place = 3 if lines[0].startswith("{") else 4
    column, value = {
        "azure": ("ContextTokens", "376"),
        "burstgpt": ("Request tokens", "474"),
        "arena": ("prompt_len", "7"),
        "mooncake": ("input_length", "11"),
        "qwen_bailian": ("input_length", "22"),
        "columns": ("prompt_tokens", "12"),
    }[name]
    broken = f'"{bad}"' if lines[0].startswith("{") else bad
    lines[place - 1] = re.sub(rf"(?<![\d.]){value}(?![\d.])", broken, lines[place - 1], count=1)
    _, rows = read_rows(io.BytesIO("\n".join(lines).encode()), rules(name))
    assert [(p.line, p.column) for p in rows.problems] == [(place, column)]
    assert rows.problem_count == 1
    assert rows.rows_read == 12


@pytest.mark.parametrize("name", FILES)
def test_packed_marked_and_windows_files_read_the_same(name: str) -> None:
    """Gzip, a byte order mark, CRLF and old Mac line ends are all harmless."""
    text = FILES[name]
    expected = read_rows(io.BytesIO(text.encode()), rules(name))[1]
    for raw in (
        gzip.compress(text.encode()),
        ("\ufeff" + text).encode(),
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        (text + "\n\n").encode(),
    ):
        rows = read_rows(io.BytesIO(raw), rules(name))[1]
        for column in ("time_ns", "prompt_tokens", "output_tokens"):
            assert np.array_equal(getattr(rows, column), getattr(expected, column))
        assert rows.clients == expected.clients
