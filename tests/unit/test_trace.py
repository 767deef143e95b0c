"""import_trace(): Azure's format, mapping rules, broken files."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftsched.core.errors import ScenarioError, TraceError
from driftsched.experiments.load import offered_load
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.simulation import simulate
from driftsched.workload import (
    TraceImport,
    generate,
    import_trace,
)
from driftsched.workload.traces import textfile

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
CONVERSATION = TRACES / "AzureLLMInferenceTrace_conv.csv"
HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
MOONCAKE = b'{"timestamp":1,"input_length":1,"output_length":1,"hash_ids":[]}\n'
ROWS = (
    "2023-11-16 18:15:46.6805900,374,44\n"
    "2023-11-16 18:15:47.6805901,396,109\n"
    "2023-11-16 18:15:49.6805900,879,600\n"
)


def traced(context_tokens: int = 16384, **rules: Any) -> Scenario:
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    data["cluster"]["context_tokens"] = context_tokens
    return parse_scenario(data | {"phases": [], "trace": {"file": "trace.csv", **rules}})


def read(text: str | bytes, **rules: Any) -> TraceImport:
    data = text.encode() if isinstance(text, str) else text
    return import_trace(traced(**rules), io.BytesIO(data))


def refused(text: str | bytes, **rules: Any) -> str:
    with pytest.raises(TraceError) as caught:
        read(text, **rules)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_recorded_times_and_lengths_are_kept() -> None:
    """A trace is worth nothing if its lengths or gaps change on the way in."""
    report = read(HEAD + ROWS)
    workload = report.workload
    assert workload.arrival_s == pytest.approx([0, 1.0000001, 3.0], abs=1e-12)
    assert workload.prompt_tokens.tolist() == [374, 396, 879]
    assert workload.output_tokens.tolist() == [44, 109, 600]
    assert (workload.prompt_tokens + workload.max_output_tokens == 16384).all()
    assert (report.rows_read, report.rows_taken, report.rows_skipped) == (3, 3, 0)
    assert report.span_s == pytest.approx(3)
    assert report.problems == ()
    assert report.in_order


@pytest.mark.parametrize(
    "data",
    [
        ("\ufeff" + HEAD + ROWS).encode(),
        (HEAD + ROWS).replace("\n", "\r\n").encode(),
        (HEAD + ROWS).strip().encode(),
        (HEAD + ROWS + "\n\n").encode(),
        gzip.compress((HEAD + ROWS).encode()),
        (HEAD + ROWS).replace("374", '"374"').encode(),
        (HEAD + ROWS).replace(" ", "T").encode(),
        (HEAD + ROWS).replace("\n", ",x\n").encode(),
    ],
    ids=["bom", "crlf", "no-newline", "blank", "gzip", "quoted", "iso-t", "more-columns"],
)
def test_harmless_variants_read_the_same(data: bytes) -> None:
    """Files saved by other programs must not be refused or read differently."""
    assert read(data).workload.output_tokens.tolist() == [44, 109, 600]
    assert read(data).span_s == pytest.approx(3)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2023-11-16 18:16:00,5,x", "line 5, column GeneratedTokens: must be a whole number"),
        ("2023-11-16 18:16:00,5,0", "line 5, column GeneratedTokens: must be a whole number >= 1"),
        ("2023-11-16 18:16:00,-5,1", "line 5, column ContextTokens: must be a whole number"),
        ("2023-11-16 18:16:00,NaN,1", "line 5, column ContextTokens"),
        ("2023-11-16 18:16:00,5.5,1", "line 5, column ContextTokens"),
        ("2023-11-16 18:16:00,,1", "line 5, column ContextTokens"),
        ("2023-11-16 18:16:00,99999999999999999999,1", "line 5, column ContextTokens"),
        ("now,5,1", "line 5, column TIMESTAMP: must be a date and time"),
        ("2023-13-45 18:16:00,5,1", "line 5, column TIMESTAMP"),
        ("2023-11-16 18:16:00,5", "line 5: must have 3 columns, got '2: "),
        ("2023-11-16 18:16:00,5,1,9", "line 5: must have 3 columns, got '4: "),
    ],
)
def test_broken_row_is_named_or_skipped(row: str, said: str) -> None:
    """A row silently dropped or read as something else would falsify the traffic."""
    text = HEAD + ROWS + row + "\n" + ROWS
    assert refused(text).startswith(said)
    report = read(text, on_error="skip")
    assert report.workload.output_tokens.tolist() == [44, 44, 109, 109, 600, 600]
    assert (report.rows_read, report.rows_taken, report.rows_skipped) == (7, 6, 1)
    assert [problem.line for problem in report.problems] == [5]


def test_further_problems_are_counted() -> None:
    """Fixing a file one message at a time is no fun; the count says how many there are."""
    text = HEAD + "x,y,0\n" + ROWS + "2023-11-16 18:16:00,5\n"
    assert refused(text).endswith("got 'x' (and 3 more problems)")
    assert [p.column for p in read(text, on_error="skip").problems] == [
        "TIMESTAMP",
        "ContextTokens",
        "GeneratedTokens",
        "",
    ]
    assert refused(HEAD + "x,5,1\n" + ROWS + "x,5,1\n").endswith("(and 1 more problem)")


def test_column_of_nothing_but_true_is_no_number() -> None:
    """The fast parser takes such a column for ones."""
    assert "ContextTokens" in refused(HEAD + "2023-11-16 18:16:00,True,1\n")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (HEAD.encode(), "at least 1 usable row, got 0"),
        (b"TIMESTAMP,ContextTokens\n", "missing GeneratedTokens"),
        (ROWS.encode(), "line 1: header must have"),
        (bytes(range(256)) * 9, "must be UTF-8 text"),
        (HEAD.encode() + b"\0\0", "line 2: must be text, got a zero byte"),
        ((HEAD + ROWS).encode("utf-16"), "must be UTF-8 text"),
        (gzip.compress((HEAD + ROWS * 99).encode())[:-12], "broken gzip"),
        (b"\x1f\x8bjunkjunkjunk", "broken gzip"),
        ((HEAD + '"' + "a" * 200_000).encode(), "line 2: must be CSV"),
    ],
)
def test_unreadable_file_is_one_line(data: bytes, said: str) -> None:
    """A traceback, or half a table, would leave the user guessing."""
    assert said in refused(data)
    assert said in refused(data, on_error="skip")


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    """The path must be in the message."""
    with pytest.raises(TraceError, match=r"nowhere\.csv"):
        import_trace(traced(), tmp_path / "nowhere.csv")


def test_file_over_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small gzip may unpack to more than the memory holds."""
    monkeypatch.setattr(textfile, "MAX_BYTES", 10_000)
    packed = gzip.compress((HEAD + ROWS * 1000).encode())
    assert len(packed) < 10_000
    assert "at most 10000 bytes unpacked" in refused(packed)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (MOONCAKE + b'{"hash_ids":[' + b"[]," * 2_000_000, "line 2: must have at most 4000000"),
        (b",".join(b"c%d" % i for i in range(40_000)) + b"\n", "at most 1000 columns"),
        (b'{"input_lens":[1],"output_lens":[' + b"[]," * 6_000_000 + b"1]}", "10000000 values"),
        (HEAD.encode() + b'"' + b"a\n" * 4_000_000, "line 2: must be CSV"),
    ],
    ids=["record", "columns", "values", "quote"],
)
def test_small_files_cannot_take_much_memory_or_time(data: bytes, said: str) -> None:
    """Half a megabyte packed took gigabytes of a server's memory, or minutes of its processor."""
    packed = gzip.compress(data, compresslevel=1)
    assert len(packed) < 500_000
    assert said in refused(packed, on_error="skip")


def test_only_bad_rows_are_refused_even_when_skipping() -> None:
    """Skipping everything would leave an empty workload."""
    assert "got 0 of 1; line 2" in refused(HEAD + "x,1,1\n", on_error="skip")


def test_unsorted_rows_are_sorted_stably_and_said() -> None:
    """Engines need ascending arrivals; equal times keep the order of the file."""
    first, second, third = ROWS.splitlines(keepends=True)
    twin = second.replace("109", "110")
    report = read(HEAD + third + second + twin + first)
    assert report.workload.output_tokens.tolist() == [44, 109, 110, 600]
    assert not report.in_order
    assert any("sorted by time" in rule for rule in report.rules)


def test_many_equal_times_keep_the_order_of_the_file() -> None:
    """An unstable sort would shuffle requests of one instant, differently on each machine."""
    late = "2023-11-16 18:16:00,5,1\n"
    same = "".join(f"2023-11-16 18:15:00,5,{i + 1}\n" for i in range(500))
    assert read(HEAD + late + same).workload.output_tokens.tolist() == [*range(1, 501), 1]


def test_limit_cap_and_time_scale() -> None:
    """Each rule must do what its description says, and be said in the report."""
    report = read(HEAD + ROWS, limit=2, time_scale=2)
    assert report.rows_taken == 2
    assert report.rows_read == 3
    assert report.span_s == pytest.approx(2.0000002)
    assert any("first 2 rows" in rule for rule in report.rules)
    capped = read(HEAD + ROWS, cap=True, category_rule="output").workload
    assert capped.output_tokens.tolist() == [44, 109, 512]
    assert capped.max_output_tokens.tolist() == [64, 256, 512]


def test_tenants_and_categories_follow_the_rules() -> None:
    """round_robin is in turn; output takes the smallest category that holds the answer."""
    report = read(HEAD + ROWS + ROWS, tenant_rule="round_robin", category_rule="output")
    assert report.workload.tenant.tolist() == [0, 1, 2, 0, 1, 2]
    assert report.workload.category.tolist() == [0, 0, 1, 1, 3, 3]
    edges = "".join(f"2023-11-16 18:15:{i:02d},9,{n}\n" for i, n in enumerate((64, 65, 512, 513)))
    report = read(HEAD + edges, category_rule="output")
    assert report.workload.category.tolist() == [0, 1, 3, 3]
    assert any(rule.startswith("foresight") for rule in report.rules)
    rows = "".join(f"2023-11-16 18:15:{i:02d},{100 * i + 1},9\n" for i in range(8))
    prompts = read(HEAD + rows).workload
    assert prompts.category.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_long_answers_are_cut_to_the_context_and_counted() -> None:
    """The report says how many, and how much is lost."""
    report = read(HEAD + ROWS, context_tokens=1000)
    assert (report.rows_cut, report.tokens_cut, report.rows_too_long) == (1, 879 + 600 - 1000, 0)
    assert report.workload.output_tokens.tolist() == [44, 109, 121]


def test_prompts_over_the_context_are_rejected_and_counted() -> None:
    """As servers do: a prompt cut to the context would count as completed after one token."""
    report = read(HEAD + ROWS, context_tokens=396)
    assert (report.rows_too_long, report.tokens_too_long) == (2, 396 + 109 + 879 + 600)
    assert report.workload.prompt_tokens.tolist() == [374, 396, 879]
    assert any("2 prompts (1,984 tokens" in rule and "over 879" in rule for rule in report.rules)
    for engine in ("simpy", "compiled"):
        table = simulate(traced(context_tokens=396), report.workload, engine=engine).requests
        assert table["status"].tolist() == ["finished", "rejected", "rejected"]
        reason = "prompt of 879 tokens, the context holds 396 with the answer"
        assert table["reason"].tolist()[-1] == reason


def test_prompt_texts_belong_to_the_category() -> None:
    """The classifier reads the text, so it must come from the category's templates."""
    workload = read(HEAD + ROWS).workload
    texts = [workload.prompts[i] for i in workload.prompt_id]
    assert [text.split("Job type: ")[1] for text in texts] == ["short qa.", "summary.", "report."]


def test_generate_imports_the_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario with a trace must run like any other, relative paths from the current folder."""
    (tmp_path / "trace.csv").write_text(HEAD + ROWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    scenario = traced()
    assert len(generate(scenario)) == 3
    assert generate(scenario).output_tokens.tolist() == [44, 109, 600]
    assert offered_load(scenario).phases[0].rate_rps == pytest.approx(2 / 3)


def test_scenario_without_trace_is_refused() -> None:
    """There would be no rules to map by."""
    with pytest.raises(ScenarioError, match="trace must be set"):
        import_trace(load_scenario("paper"), io.BytesIO((HEAD + ROWS).encode()))


def test_clean_and_line_by_line_readers_agree() -> None:
    """One broken line must not change how the good ones are read."""
    many = HEAD + ROWS * 300
    fast, slow = read(many), read(many + "x\n", on_error="skip")
    for name in ("arrival_s", "prompt_tokens", "output_tokens", "tenant", "prompt_id"):
        assert np.array_equal(getattr(fast.workload, name), getattr(slow.workload, name))


@pytest.mark.skipif(not CONVERSATION.exists(), reason="shared/traces is not there")
def test_whole_azure_conversation_trace() -> None:
    """A row lost or misread would change the sums."""
    report = import_trace(traced(), CONVERSATION)
    rows = np.loadtxt(CONVERSATION, delimiter=",", skiprows=1, usecols=(1, 2), dtype=np.int64)
    assert report.rows_taken == report.rows_read == len(rows) == 19_366
    assert report.workload.prompt_tokens.sum() == rows[:, 0].sum() == 22_361_870
    assert report.workload.output_tokens.sum() == rows[:, 1].sum() == 4_088_665
    assert report.rows_cut == 0
    assert report.in_order
    assert report.rows_taken / report.span_s == pytest.approx(5.53, abs=0.01)
