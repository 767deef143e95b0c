"""Formats of recorded traffic: told apart, proposed, selected, mapped to tenants."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from driftsched.core.errors import ScenarioError, TraceError
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.workload import TraceImport, import_trace, look_at_trace
from driftsched.workload.traces import read as reading

ARENA = "req_time,client,prompt_len,output_len\n" + "".join(
    f"{i},{'abcd'[min(i % 7, 3)]},{10 + i},{20 + i}\n" for i in range(70)
)


def traced(**rules: Any) -> Scenario:
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    return parse_scenario(data | {"phases": [], "trace": {"file": "-", **rules}})


def read(text: str, **rules: Any) -> TraceImport:
    return import_trace(traced(**rules), io.BytesIO(text.encode()))


def proposed(text: str) -> dict[str, Any]:
    columns = look_at_trace(io.BytesIO(text.encode())).columns
    assert columns is not None
    return columns.model_dump()


def test_milliseconds_are_not_seconds() -> None:
    """Mooncake counts in milliseconds: read as seconds the load would be a thousandth."""
    rows = [{"timestamp": 500 * i, "input_length": 1024, "output_length": 5} for i in range(4)]
    text = "\n".join(json.dumps(row | {"hash_ids": [1, 2]}) for row in rows)
    report = read(text)
    assert report.format == "mooncake"
    assert report.workload.arrival_s.tolist() == [0, 0.5, 1.0, 1.5]


def test_failed_requests_are_left_out_and_said() -> None:
    """BurstGPT records failures with 0 response tokens; they are no broken rows."""
    head = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    report = read(head + "5,ChatGPT,472,18,490,API log\n9,GPT-4,33,0,33,API log\n")
    assert (report.format, report.rows_taken, report.rows_unanswered) == ("burstgpt", 1, 1)
    assert report.rows_skipped == 0
    assert any("1 failed requests" in rule for rule in report.rules)


def span(start_ns: int, **attributes: int | str) -> dict[str, Any]:
    """As OTLP's JSON has it: 64-bit numbers are texts, attributes a list of typed values."""
    pairs = [
        {"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
        for k, v in attributes.items()
    ]
    return {"name": "chat", "startTimeUnixNano": str(start_ns), "attributes": pairs}


def export(service: str, *spans: dict[str, Any]) -> str:
    named = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    whole = {"resource": named, "scopeSpans": [{"scope": {"name": "x"}, "spans": [*spans]}]}
    return json.dumps({"resourceSpans": [whole]})


def usage(prompt: str, output: str, given: int, got: int) -> dict[str, int]:
    return {f"gen_ai.usage.{prompt}_tokens": given, f"gen_ai.usage.{output}_tokens": got}


def test_spans_of_opentelemetry_are_requests() -> None:
    """By the conventions and by vLLM's own names; other spans are none, failed ones are told."""
    at = 1_764_500_000_123_456_789
    lines = [
        export("chat", span(at, **usage("input", "output", 100, 20)), span(at, http="200")),
        export(
            "vllm",
            span(at + 1_500_000_000, **usage("prompt", "completion", 7, 9), **{"user.id": "ann"}),
            span(at + 2_000_000_000, **{"gen_ai.usage.input_tokens": 5}),
        ),
    ]
    text = "\n".join(lines)
    report = read(text, tenant_rule="client", clients={"chat": "premium", "ann": "batch"})
    assert (report.format, report.rows_read, report.rows_taken) == ("otlp", 3, 2)
    assert report.rows_unanswered == 1
    found = report.workload
    assert found.arrival_s.tolist() == [0, 1.5]
    assert found.prompt_tokens.tolist() == [100, 7]
    assert found.output_tokens.tolist() == [20, 9]
    assert found.tenant.tolist() == [0, 2]
    # one export alone, longer than what is looked at first
    many = export("chat", *(span(at + i, **usage("input", "output", 9, 2)) for i in range(5000)))
    assert read(many).rows_taken == 5000


@pytest.mark.parametrize("broken", ["5", '[[], {"scopeSpans": 1}]', '[{"resource": []}]'])
def test_an_export_without_requests_has_none(broken: str) -> None:
    with pytest.raises(TraceError, match="at least 1 usable row"):
        read(f'{{"resourceSpans": {broken}}}')


def counted(name: str, ends: list[float], lengths: list[list[int]], **labels: str) -> list[Any]:
    """A histogram's series: each step's lengths, added up as a server counts them, every 60 s."""
    return [
        {
            "metric": {"__name__": name, "le": "+Inf" if end == np.inf else f"{end:g}"} | labels,
            "values": [
                [60.0 * step, str(sum(v <= end for row in lengths[:step] for v in row))]
                for step in range(len(lengths) + 1)
            ],
        }
        for end in [*ends, np.inf]
    ]


ENDS = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]
PROMPTS, ANSWERS = "vllm:request_prompt_tokens_bucket", "vllm:request_generation_tokens_bucket"


def ranged(*series: list[Any]) -> str:
    result = [one for each in series for one in each]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_counters_of_prometheus_become_requests() -> None:
    """As many in each minute as were counted, lengths in their buckets, by model."""
    rng = np.random.default_rng(3)
    answers = [np.exp(rng.normal(4, 0.5, 40 * (n + 1))).astype(int).tolist() for n in range(5)]
    prompts = [[30] * len(row) for row in answers]
    text = ranged(
        counted(PROMPTS, ENDS, prompts, model_name="a"),
        counted(ANSWERS, ENDS, answers, model_name="a"),
        counted(PROMPTS, ENDS, [[5]] * 5, model_name="b"),
        counted(ANSWERS, ENDS, [[600]] * 5, model_name="b"),
    )
    report = read(text, tenant_rule="client", clients={"a": "premium", "b": "batch"})
    assert report.format == "prometheus"
    assert any("drawn from counters in 5 steps" in rule for rule in report.rules)
    found = report.workload
    mine = found.tenant == 0
    start = found.arrival_s - found.arrival_s[0]  # the first one came within the first minute
    assert mine.sum() == sum(map(len, answers))
    assert (found.prompt_tokens[mine] > 20).all()
    assert (found.prompt_tokens[mine] <= 50).all()
    theirs = np.concatenate(answers)
    edges = [0, *ENDS]
    drawn = np.histogram(found.output_tokens[mine], np.array(edges) + 0.5)[0]
    assert drawn.tolist() == np.histogram(theirs, np.array(edges) + 0.5)[0].tolist()
    minutes = np.bincount(np.minimum(start[mine] // 60, 4).astype(int))
    assert minutes == pytest.approx([40, 80, 120, 160, 200], abs=40)
    assert (found.output_tokens[~mine] > 500).all()


def test_a_counter_that_began_anew_has_added_what_it_shows() -> None:
    series = [counted(PROMPTS, ENDS, [[30]] * 3), counted(ANSWERS, ENDS, [[30]] * 3)]
    for one in (each for histogram in series for each in histogram):
        for place, value in enumerate(["5", "7", "1", "4"]):
            if one["metric"]["le"] not in ("10", "20"):
                one["values"][place][1] = value
    assert read(ranged(*series)).rows_taken == 2 + 1 + 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ranged(counted(PROMPTS, ENDS, [[3]])), "must have a histogram of outputs"),
        (ranged([{"metric": {"le": "1"}, "values": 3}]), "result 0 must have a metric and values"),
        (
            ranged(counted(PROMPTS, ENDS, []), counted(ANSWERS, ENDS, [])),
            "at least 2 samples in time, got 1",
        ),
        (
            ranged(counted(PROMPTS, ENDS, [[3]]), counted(ANSWERS, ENDS, [[]])),
            "must count at least one answer",
        ),
        (ranged(counted(PROMPTS, ENDS, [[3]])).replace('"1"', '"x"'), "count must be a number"),
        (ranged().replace("[]", "5"), "must be an answer of query_range"),
    ],
)
def test_counters_that_cannot_be_read_are_one_message(text: str, said: str) -> None:
    with pytest.raises(TraceError, match=said):
        read(text)


def test_benchmark_without_start_times_is_spaced_evenly_and_says_so() -> None:
    """Invented arrival times that nobody is told of would pass for recorded ones."""
    result = {"duration": 12.0, "input_lens": [5, 6, 7], "output_lens": [8, 9, 1]}
    report = read(json.dumps(result))
    assert report.workload.arrival_s.tolist() == [0, 4, 8]
    assert any("no start times" in rule for rule in report.rules)
    known = read(json.dumps(result | {"start_times": [100.0, 100.5, 107.0]}, indent=1))
    assert known.workload.arrival_s.tolist() == [0, 0.5, 7]
    assert not any("start times" in rule for rule in known.rules)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"input_lens": [1], "duration": 1}, "missing output_lens"),
        ({"input_lens": [1, 2], "output_lens": [1], "duration": 1}, "must be as many"),
        (
            {"input_lens": ["x"], "output_lens": [1], "duration": 1},
            "column input_lens: must be a whole number",
        ),
        ({"input_lens": [1], "output_lens": [1]}, "start_times or a duration"),
        ({"input_lens": [-1], "output_lens": [1], "duration": 1}, "column input_lens"),
    ],
)
def test_broken_benchmark_is_one_line(result: dict[str, Any], said: str) -> None:
    """A result saved without --save-detailed has no lengths to read."""
    with pytest.raises(TraceError) as caught:
        read(json.dumps(result), format="vllm_bench")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            "id,prompt,created_at,prompt_tokens,completion_tokens,user_id\n"
            '1,"a, b",2024-01-02T03:04:05Z,5,6,u1\n2,c,2024-01-02T03:04:06Z,7,8,u2\n',
            ("created_at", "prompt_tokens", "completion_tokens", "user_id", "datetime"),
        ),
        (
            "ts_ms;inputLength;outputLength\n0;5;6\n40;7;8\n",
            ("ts_ms", "inputLength", "outputLength", None, "ms"),
        ),
        (
            '{"arrival": 1700000000123, "usage": {"input": 5, "output": 6}, "tenant": "a"}\n'
            '{"arrival": 1700000000223, "usage": {"input": 7, "output": 9}, "tenant": "b"}\n',
            ("arrival", "usage.input", "usage.output", "tenant", "ms"),
        ),
        (
            "request_time,request_tokens,response_time_ms,response_tokens\n"
            "0.5,5,812,6\n1.25,7,900,8\n",
            ("request_time", "request_tokens", "response_tokens", None, "s"),
        ),
    ],
)
def test_columns_are_proposed_from_names_and_contents(
    text: str, columns: tuple[str | None, ...]
) -> None:
    """A wrong proposal that looks right would be confirmed without a second look."""
    found = proposed(text)
    names = ("time", "prompt_tokens", "output_tokens", "client", "time_unit")
    assert tuple(found[name] for name in names) == columns
    assert read(text, format="columns", columns=found).rows_taken == 2


def test_a_predictions_name_is_not_taken_for_an_answers() -> None:
    text = "ts_s,in_tokens,predicted_output_tokens,output_tokens\n0,5,6.5,7\n1,5,,8\n"
    found = proposed(text)
    assert (found["output_tokens"], found["predicted_tokens"]) == (
        "output_tokens",
        "predicted_output_tokens",
    )
    told = read(text, format="columns", columns=found).workload.predicted_tokens
    assert told is not None
    np.testing.assert_array_equal(told, [6.5, np.nan])


def test_a_known_format_may_have_predictions_beside_it() -> None:
    """Nobody renames the columns of a public trace to add one."""
    head, *rows = ARENA.splitlines()
    cells = ["predicted_tokens", "9", "", "2.5e2"]
    text = "\n".join(map(",".join, zip([head, *rows], cells, strict=False)))
    report = read(text)
    assert report.format == "arena"
    assert report.workload.predicted_tokens is not None
    np.testing.assert_array_equal(report.workload.predicted_tokens, [9, np.nan, 250])
    assert "the file predicts 2 answers, for the predictor column" in report.rules
    for wrong in ("0", "-3", "x", "nan"):
        with pytest.raises(TraceError, match=f"predicted_tokens: must be a number > 0.*{wrong}"):
            read(text.replace("2.5e2", wrong))


def test_nothing_is_proposed_where_nothing_can_be_told() -> None:
    """A guess among unnamed columns would be no better than none."""
    seen = look_at_trace(io.BytesIO(b"a,b,c\n1,2,3\n4,5,6\n"))
    assert seen.columns is None
    assert "no column could be told to hold" in seen.reasons[0]


def test_named_clients_belong_to_their_tenants() -> None:
    """A client on the wrong tenant would change who waits for whom."""
    report = read(
        ARENA, tenant_rule="client", clients={"a": "batch", "b": "batch", "c": "standard"}
    )
    clients = [line.split(",")[1] for line in ARENA.splitlines()[1:]]
    names = ["premium", "standard", "batch"]
    found: dict[str, set[str]] = {}
    for client, tenant in zip(clients, report.workload.tenant, strict=True):
        found.setdefault(client, set()).add(names[tenant])
    assert found == {"a": {"batch"}, "b": {"batch"}, "c": {"standard"}, "d": {"premium"}}
    assert report.clients == 4


def test_unnamed_clients_are_dealt_by_share_the_busiest_first() -> None:
    """d sends 4/7 of the requests and goes to the first of three equal tenants, a next, …"""
    tenant = read(ARENA, tenant_rule="client").workload.tenant
    assert np.bincount(tenant, minlength=3).tolist() == [40, 20, 10]


def test_sample_of_clients_keeps_whole_clients() -> None:
    """Half of each client's requests would be another burstiness than half of the clients."""
    whole = read(ARENA, sample_clients=0.5)
    counts = {client: ARENA.count(f",{client},") for client in "abcd"}
    sums = {counts[a] + counts[b] for a in "abcd" for b in "abcd" if a < b}
    assert whole.rows_taken in sums
    again = read(ARENA, sample_clients=0.5)
    assert np.array_equal(whole.workload.arrival_s, again.workload.arrival_s)


def test_window_sample_and_limit_take_what_they_say() -> None:
    """Each rule must do what its description says, in that order."""
    window = read(ARENA, from_s=10, until_s=19)
    assert window.rows_taken == 10
    assert window.workload.arrival_s[0] == 0
    assert window.workload.prompt_tokens[0] == 20
    half = read(ARENA, sample=0.5)
    assert 20 <= half.rows_taken <= 50
    assert read(ARENA, from_s=10, limit=3).workload.prompt_tokens.tolist() == [20, 21, 22]
    with pytest.raises(TraceError, match="at least 1 row by the rules, got 0 of 70"):
        read(ARENA, from_s=1000)


def test_rules_that_need_clients_are_refused_without() -> None:
    """Azure's traces do not say who sent a request."""
    azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,374,44\n"
    with pytest.raises(ScenarioError, match="tenant_rule must be share or round_robin"):
        read(azure, tenant_rule="client")
    with pytest.raises(ScenarioError, match="sample_clients must be 1"):
        read(azure, sample_clients=0.5)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"format": "columns"}, "columns are needed by the format columns"),
        ({"from_s": 5, "until_s": 5}, "until_s must be > from_s"),
        ({"clients": {"a": "batch"}}, "clients need the tenant_rule client"),
        ({"tenant_rule": "client", "clients": {"a": "nobody"}}, "trace.clients must name one of"),
    ],
)
def test_rules_that_contradict_are_refused(rules: dict[str, Any], said: str) -> None:
    """A rule without effect would be believed to have one."""
    with pytest.raises(ScenarioError, match=said):
        traced(**rules)


def test_quoted_fields_may_go_over_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is read in pieces must not be cut inside a quoted field."""
    monkeypatch.setattr(reading, "LONGEST_RECORD", 97)
    rows = "".join(f'{i},"line one\nline ""two"", {i}",{i + 1},{i + 2}\n' for i in range(500))
    text = f"req_time,client,prompt_len,output_len\n{rows}7,x\n8,y,0,1\n"
    report = read(text, on_error="skip")
    assert report.workload.prompt_tokens.tolist() == list(range(1, 501))
    assert report.clients == 500
    assert [problem.line for problem in report.problems] == [1002, 1003]
