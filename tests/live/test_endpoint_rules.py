"""What an endpoint may be, what it tells of itself, and how long we wait for it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from driftsched.core.errors import InputError, RunError
from driftsched.live import CallRetries, live_workload, parse_options
from driftsched.live.openai_events import EventReader
from driftsched.live.openai_http import _retry_after_s
from driftsched.live.openai_metrics import figures, read_metrics
from driftsched.live.openai_options import (
    any_endpoint,
    check_endpoint,
    offered_endpoints,
    place_of,
)
from driftsched.live.traffic import prompt_text
from driftsched.scenario import load_scenario
from driftsched.workload import generate
from tests.support.faulty_server import FaultyServer

VLLM = """
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 7.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.25
vllm:cache_config_info{block_size="16",num_gpu_blocks="100",engine="0"} 1.0
vllm:cache_config_info{block_size="16",num_gpu_blocks="100",engine="1"} 1.0
vllm:request_success_total{finished_reason="stop"} nonsense
"""
SGLANG = """
sglang:num_running_reqs{model_name="m, with } sign"} 4.0
sglang:num_queue_reqs{model_name="m"} 1.0
sglang:token_usage{model_name="m"} 0.28
sglang:num_used_tokens{model_name="m"} 2800.0
sglang:max_total_num_tokens{model_name="m"} 10000.0
"""
LLAMA = "llamacpp:requests_processing 4\nllamacpp:requests_deferred 6\n"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (
            VLLM,
            {"running": 5, "waiting": 7, "kv_capacity_tokens": 3200, "kv_used_tokens": 1200},
        ),
        (
            SGLANG,
            {"running": 4, "waiting": 1, "kv_capacity_tokens": 10000, "kv_used_tokens": 2800},
        ),
        (LLAMA, {"running": 4, "waiting": 6}),
        ("", {}),
        ("one two three {\n}} {{ 1\nvllm:num_requests_running", {}),
    ],
)
def test_servers_figures(text: str, row: dict[str, float]) -> None:
    """Else the gpus table would hold another server's figures, or invented ones."""
    assert figures(read_metrics(text)) == row


def test_metrics_reach_the_gpus_table() -> None:
    """Else figures that a server offers would be found, and then not recorded."""
    from driftsched.live import run_live
    from tests.support.live_runs import options, scaled_paper

    with FaultyServer(VLLM) as server:
        engine = {"kind": "openai", "endpoints": [server.address("fine")]}
        result = run_live(scaled_paper("continuous", "fifo", 6), options(engine=engine))
    first = result.gpus.iloc[0]
    assert (first["running"], first["waiting"], first["kv_used_tokens"]) == (5, 7, 1200)
    assert result.provenance["live"]["engine"]["server"] == "vLLM"


@pytest.mark.parametrize(
    ("allowed", "address", "fine"),
    [
        (None, "http://127.0.0.1:8000/v1", True),
        (None, "http://localhost/v1", True),
        (None, "http://[::1]:8000/v1", True),
        (None, "http://127.0.0.1.example.org/v1", False),
        (None, "http://10.0.0.5:8000/v1", False),
        (None, "http://169.254.169.254/latest", False),
        ("gpu1:8000", "http://gpu1:8000/v1", True),
        ("gpu1:8000", "http://gpu1:8001/v1", False),
        ("gpu1:8000", "http://127.0.0.1:8000/v1", False),
        ("loopback, gpu1", "https://GPU1/v1", True),
        ("*", "https://api.example.org/v1", True),
    ],
)
def test_only_allowed_hosts(
    monkeypatch: pytest.MonkeyPatch, allowed: str | None, address: str, fine: bool
) -> None:
    """Else a shared studio could be made to call into its own network."""
    monkeypatch.delenv("DRIFTSCHED_ENDPOINTS", raising=False)
    if allowed is not None:
        monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", allowed)
    if fine:
        check_endpoint(address)
    else:
        with pytest.raises(
            InputError, match="must be allowed by this server's DRIFTSCHED_ENDPOINTS"
        ):
            check_endpoint(address)


def test_one_server_has_one_place() -> None:
    """Five names of one server gave five live runs on it at once."""
    names = ("127.0.0.1", "localhost", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]")
    assert {place_of(f"http://{name}:8000/{n}/v1") for n, name in enumerate(names)} == {
        "loopback:8000"
    }
    assert place_of("http://127.0.0.1/v1") == "loopback:80"
    assert place_of("https://10.0.0.5/v1") == "10.0.0.5:443"
    assert place_of("http://no-such-host.invalid:1/v1") == "no-such-host.invalid:1"


def test_visitors_are_offered_what_the_operator_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a visitor's address would tell open ports of the server's network from closed ones."""
    monkeypatch.delenv("DRIFTSCHED_ENDPOINTS", raising=False)
    assert offered_endpoints() == ["http://127.0.0.1:8000/v1"]
    assert not any_endpoint()
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "gpu1:8000, https://api.example.org/v1 KEY, gpu2")
    assert offered_endpoints() == ["http://gpu1:8000/v1", "https://api.example.org/v1"]
    assert not any_endpoint()
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "loopback, gpu1:8000")
    assert any_endpoint()


def test_an_engine_is_not_even_built_for_a_forbidden_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the check could be gone round by building the engine elsewhere."""
    monkeypatch.delenv("DRIFTSCHED_ENDPOINTS", raising=False)
    options = parse_options({"engine": {"kind": "openai", "endpoints": ["http://gpu1/v1"]}})
    with pytest.raises(InputError, match="got host gpu1:80"):
        options.engine.build()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"engine": {"kind": "nim"}}, "engine must have a kind of 'torch', 'openai'"),
        ({"engine": {"kind": "openai"}, "slots": 0}, "slots must be >= 1, got 0"),
        (
            {"engine": {"kind": "openai", "endpoint": "x"}},
            "engine.endpoint is not a field of a live run",
        ),
        (
            {"engine": {"kind": "openai", "endpoints": ["http://user:sk-secret@host/v1"]}},
            "engine.endpoints: must be http(s)://host[:port][/path] without user, key or query",
        ),
        (
            {"engine": {"kind": "openai", "endpoints": ["http://host/v1?key=sk-secret"]}},
            "engine.endpoints: must be http(s)://host[:port][/path] without user, key or query",
        ),
        *(
            (
                {"engine": {"kind": "openai", "endpoints": [address]}},
                "engine.endpoints: must be http(s)://host[:port][/path] without user, key or query",
            )
            for address in ("http://[127.0.0.1]/v1", "http://[::1/v1", "http://[]/v1", "http://:80")
        ),
        (
            {"engine": {"kind": "openai", "key_variable": "sk-secret"}},
            "engine.key_variable: must be the name of an environment variable in capitals",
        ),
        (
            {"engine": {"kind": "openai"}, "engine_queue": True},
            "engine_queue must be false for an engine that takes no priority, got true",
        ),
        ({"engine": {"kind": "openai"}, "time_scale": 0}, "time_scale must be > 0, got 0"),
    ],
)
def test_bad_options_are_one_line_without_secrets(data: dict[str, object], said: str) -> None:
    """Else a user would read a validator's own words, or see a key in an error."""
    with pytest.raises(InputError) as told:
        parse_options(data)
    assert str(told.value).startswith(said)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("host", ["....", "-", "x" * 70])
def test_a_name_that_is_no_host_is_one_line(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """The resolver refuses such a name in an error of its own, which was a traceback."""
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "*")
    engine = {"kind": "openai", "endpoints": [f"http://{host}/v1"]}
    with pytest.raises(RunError, match=f"{re.escape(host)}"):
        asyncio.run(parse_options({"engine": engine}).engine.build().open())


def test_impossible_metrics_are_left_out() -> None:
    """A figure beyond all numbers would end the opening of an engine."""
    huge = "vllm:num_requests_running 1e300\nsglang:token_usage 1e308\n"
    assert figures(read_metrics(huge + LLAMA), 10**9) == {
        "running": 4,
        "waiting": 6,
        "kv_capacity_tokens": 1e9,
    }


def test_unknown_model_is_refused_by_name() -> None:
    """Else every request of the run would fail with the server's 404."""
    with FaultyServer() as server:
        engine = {"kind": "openai", "endpoints": [server.address("fine")], "model": "huge"}
        opened = parse_options({"engine": engine}).engine.build()
        with pytest.raises(RunError, match=r"must be one of those served \(tiny\), got huge"):
            asyncio.run(opened.open())


def test_backoff_doubles_and_is_bounded() -> None:
    """Else retries would hammer a busy server, or wait for an hour because it says so."""
    retries = CallRetries(backoff_s=0.5, most_s=3.0)
    assert [retries.wait_s(attempt, None) for attempt in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 3.0]
    assert retries.wait_s(1, 2.5) == 2.5
    assert retries.wait_s(1, 3600.0) == 3.0


def test_retry_after_is_a_number_or_a_date() -> None:
    """Else a date would be ignored, or nonsense would raise inside a request."""
    assert _retry_after_s("7") == 7.0
    assert _retry_after_s(None) is None
    assert _retry_after_s("soon") is None
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert _retry_after_s(soon) == pytest.approx(100, abs=5)
    assert _retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_prompts_have_the_length_they_are_said_to_have() -> None:
    """Else a live run of a trace would send short texts and call them long."""
    drawn = "categories.0.prompt_tokens={kind: uniform, low: 100, high: 200}"
    scenario = load_scenario("paper", [drawn, "phases.0.requests=40", "phases.1.requests=40"])
    before = generate(scenario)
    after = live_workload(before, 0.5)
    words = [len(prompt_text(after, number).split()) for number in range(len(after))]
    np.testing.assert_array_equal(words, after.prompt_words)
    long = after.category == 0
    np.testing.assert_array_equal(after.prompt_words[long], before.prompt_words[long])
    assert all(
        prompt_text(after, number).startswith(after.prompts[after.prompt_id[number]])
        for number in range(len(after))
    )
    np.testing.assert_allclose(after.arrival_s, 0.5 * before.arrival_s)
    assert after.segments[0].pause_s == 0.5 * before.segments[0].pause_s


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_any_end_of_line_ends_an_event(end: bytes, size: int) -> None:
    """Else a server that ends its lines otherwise would be read as one endless line."""
    stream = end.join([b": hello", b"data: {1}", b"", b"data:", b"data:{2}", b"", b""])
    reader = EventReader(100, 1000)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [data for chunk in chunks for data in reader.feed(chunk)] == [b"{1}", b"{2}"]
