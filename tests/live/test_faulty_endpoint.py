"""A server that misbehaves: each fault is one clear row, nothing hangs, nothing is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftsched.charts.report import html_report
from driftsched.core.errors import InputError, RunError
from driftsched.live import openai_http, run_live
from driftsched.results import RunResult, write_csv
from tests.support.faults import ENDING, FAULTS
from tests.support.faulty_server import FaultyServer
from tests.support.live_runs import check_conserved, check_replayed, options, scaled_paper
from tests.support.patience import SLOWER, STEP_S

FINE = ("finished", "", 1)
EXPECTED: dict[str, tuple[str, str, int]] = {
    "fine": FINE,
    "busy-once": ("finished", "", 2),
    "busy": ("failed", "HTTP 429: slow down (3 attempts)", 3),
    "unavailable-once": ("finished", "", 2),
    "broken": ("failed", "HTTP 500: out of memory [31mtrace", 1),
    "hangs-up-once": ("finished", "", 2),
    "stalled": ("timed_out", "no first token after {waits:g} s", 1),
    "silent": ("timed_out", "no first token after {waits:g} s", 1),
    "stalled-midway": ("timed_out", "no further token for {waits:g} s after 2", 1),
    "cut": ("failed", "the connection to {host} was cut after 3 tokens", 1),
    "ends-early": ("failed", "the stream was cut after 3 tokens", 1),
    "malformed": ("failed", "the stream is not JSON after 2 tokens", 1),
    "odd-json": ("failed", "an event of the stream is no object before the first token", 1),
    "error-event": ("failed", "the server reports after 2 tokens: the worker died", 1),
    "usage-too-small": (
        "finished",
        "usage says 2 output tokens, 5 came: counted from the stream",
        1,
    ),
    "usage-too-large": (
        "finished",
        "usage says 100000 output tokens, 5 came: counted from the stream",
        1,
    ),
    "usage-no-number": (
        "finished",
        "usage says no number output tokens, 5 came: counted from the stream",
        1,
    ),
    "usage-missing": FINE,
    "usage-huge-prompt": (
        "finished",
        "usage says 9223372036854775807 prompt tokens: not taken",
        1,
    ),
    "words-after-the-end": FINE,
    "long-line": ("failed", "a line of the answer is longer than 256000 bytes after 1 tokens", 1),
    "endless": ("failed", "the answer is longer than 300000 bytes after {pieces} tokens", 1),
    "redirect": ("failed", "HTTP 307: a redirect to host other.example, not followed", 1),
    "empty": ("failed", "the answer is empty", 1),
    "nothing": ("failed", "the stream was cut before the first token (3 attempts)", 3),
    "no-stream": ("failed", "the answer is no event stream but application/json", 1),
    "drip": FINE,
    "tells-the-key": ("failed", "HTTP 401: no such key: Bearer ***", 1),
}
WAITS_S = 0.4 * SLOWER
"""For a token that never comes; all others come earlier, on a slow machine too."""
KEY = "sk-secret-3141592653"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as started:
        yield started


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTSCHED_API_KEY", KEY)
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "127.0.0.1")


def run(server: FaultyServer, faults: str, requests: int, **changes: Any) -> RunResult:
    server.attempts.clear()
    mode = changes.pop("mode", "continuous")
    engine = {"kind": "openai", "endpoints": [server.address(faults)], "max_answer_bytes": 300_000}
    scenario = scaled_paper(mode, "sjf", requests, **{"engine.batch_size": 4})
    waits = {"first_token_timeout_s": WAITS_S, "stall_timeout_s": WAITS_S, "time_scale": 0.05}
    return run_live(scenario, options(engine=engine, **waits | changes))


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(server: FaultyServer, fault: str) -> None:
    """Else this fault would hang the run, lose rows, or say nothing useful."""
    patient = {"first_token_timeout_s": STEP_S, "stall_timeout_s": STEP_S}
    result = run(server, fault, 4, **{} if fault.startswith(("stall", "silent")) else patient)
    check_conserved(result, 4)
    status, reason, attempts = EXPECTED[fault]
    rows = result.requests
    assert set(rows["status"]) == {status}
    assert set(rows["attempts"]) == {attempts}
    host = f"127.0.0.1:{server.port}"
    for row in rows.itertuples():
        assert row.reason == reason.format(host=host, pieces=row.output_tokens, waits=WAITS_S)
    if status == "finished":
        assert set(rows["output_tokens"]) == {5}
        by_stream = "usage" in fault and fault != "usage-huge-prompt"
        assert set(rows["counted_by"]) == {"stream" if by_stream else "usage"}


@pytest.mark.parametrize("mode", ["continuous", "gang"])
def test_all_faults_in_one_run(server: FaultyServer, mode: str) -> None:
    """Else one fault would do harm to the requests beside it."""
    result = run(server, "all", 2 * len(ENDING), mode=mode)
    check_conserved(result, 2 * len(ENDING))
    check_replayed(result)
    seeds = result.scenario.seed * 1_000_003
    rows: Iterator[Any] = result.requests.itertuples()
    for row in rows:
        fault = ENDING[(seeds + row.request_id) % len(ENDING)]
        assert row.status == EXPECTED[fault][0], fault


def test_the_key_is_nowhere(server: FaultyServer, tmp_path: Path) -> None:
    """Else a shared run, its export or its report would give the key away."""
    result = run(server, "tells-the-key.redirect.fine", 6)
    assert "***" in " ".join(result.requests["reason"].cat.categories)
    write_csv(result, tmp_path / "run")
    files = [path.read_text() for path in (tmp_path / "run").iterdir()]
    assert len(files) > 5
    for text in (*files, json.dumps(result.provenance), html_report(result, (), "again")):
        assert KEY not in text


def test_a_key_that_would_break_a_header_is_refused_unseen(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the HTTP library's own message would show it."""
    monkeypatch.setenv("DRIFTSCHED_API_KEY", f"{KEY}\nHost: evil")
    with pytest.raises(InputError, match="DRIFTSCHED_API_KEY must hold a key of printable") as told:
        run(server, "fine", 4)
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("allowed", "key"),
    [
        ("loopback", ""),
        ("*", ""),
        ("127.0.0.1", KEY),
        ("gpu1 OTHER_KEY, 127.0.0.1:{port}", KEY),
        ("loopback, http://127.0.0.1:{port}/v1 OTHER_KEY", "other"),
        ("loopback, 127.0.0.1:1 OTHER_KEY", ""),
    ],
)
def test_a_key_goes_to_the_host_that_it_belongs_to(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, allowed: str, key: str
) -> None:
    """Else any port of this machine that a visitor names would be sent the operator's key."""
    monkeypatch.setenv("OTHER_KEY", "other")
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", allowed.format(port=server.port))
    server.keys.clear()
    run(server, "fine", 4)
    assert server.keys == {f"Bearer {key}" if key else ""}


def test_refused_after_the_start_is_a_row() -> None:
    """Else a server that dies would end the run, or be asked for ever."""
    with FaultyServer() as server:
        address = server.address("fine")
        server.die_after_models()
        engine = {"kind": "openai", "endpoints": [address]}
        result = run_live(scaled_paper("gang", "fifo", 4), options(engine=engine, time_scale=0.05))
    check_conserved(result, 4)
    said = f"the server at 127.0.0.1:{server.port} refused the connection (3 attempts)"
    assert set(result.requests["reason"]) == {said}


def test_refused_at_the_start_is_one_error_line() -> None:
    """Else a wrong address would end in a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        engine = {"kind": "openai", "endpoints": [address]}
        said = f"^The server at {address.split('/')[2]} refused the connection"
        with pytest.raises(RunError, match=said):
            run_live(scaled_paper("gang", "fifo", 4), options(engine=engine))


def test_a_list_of_models_that_never_ends_is_one_error_line(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then kept every single wait short, and opening went on for ever."""
    monkeypatch.setattr(openai_http, "DOCUMENT_S", WAITS_S)
    with pytest.raises(RunError, match="did not answer in time"):
        run(server, "slow-models", 4)


def test_priority_and_replicas(server: FaultyServer) -> None:
    """Else vLLM or SGLang would order by something else, or one endpoint would do all the work."""
    with FaultyServer() as second:
        engine = {
            "kind": "openai",
            "endpoints": [server.address("fine"), second.address("fine")],
            "priority": "higher_first",
        }
        server.bodies.clear()
        scenario = scaled_paper("continuous", "sjf", 40)
        result = run_live(scenario, options(engine=engine, engine_queue=True, time_scale=0.01))
        check_conserved(result, 40)
        assert min(len(server.bodies), len(second.bodies)) >= 10
        bodies = {body["seed"]: body for body in (*server.bodies, *second.bodies)}
    rows: Iterator[Any] = result.requests.itertuples()
    for row in rows:
        body = bodies[scenario.seed * 1_000_003 + row.request_id]
        assert body["priority"] == -1000 * row.total_token_budget
        assert body["max_tokens"] == row.max_output_tokens
        assert len(body["messages"][0]["content"].split()) == row.counted_prompt_tokens
