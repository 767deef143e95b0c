"""What the live dispatcher and the gateway cost beside an engine that costs nothing.

Two engines answer: one in this process, and one on loopback that speaks OpenAI's HTTP interface as
an event stream, in a process of its own. Both are measured twice:

- *at once*: answers of one token, without delay, 16 places: processor time a request;
- *in step*: 10 answers at a time, each 50 tokens a second, 500 in all, as an engine whose iteration
  takes 20 ms gives them: processor time as a share of a core.

Processor time is this process's, from the engine's opening to its closing: traffic, admission,
queue, policy, calls, tokens, samples, learning, and the in-process engine itself; not the drawing
of the workload before, the tables after, or the reading of GPUs and processes.
``overhead_ms_per_request`` and ``core_share`` are the in-process figures, the dispatcher's and the
gateway's own; ``http_…`` are those of the whole way through httpx, which costs most of it.

    python benchmarks/dispatcher.py [--json] [--requests 2000] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

for name in ("OMP", "OPENBLAS", "MKL"):  # one core: before numpy is imported
    os.environ[f"{name}_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collections.abc import Iterator  # noqa: E402  the number of threads had to be set before

from driftsched.live import (  # noqa: E402
    Answer,
    Call,
    Engine,
    EngineFacts,
    OnToken,
    Probe,
    parse_options,
    run_live,
)
from driftsched.scenario import Scenario, load_scenario  # noqa: E402

STEP_S = 0.02
ANSWER_TOKENS = 50
LIMITS = {"overhead_ms_per_request": 1.0, "core_share": 0.02}


class StepEngine:
    """Gives every running call a token each `step_s`; with 0 each call its whole answer at once."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._running: dict[int, tuple[Call, OnToken, asyncio.Future[None]]] = {}
        self._given: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> EngineFacts:
        if self._step_s:
            self._task = asyncio.get_running_loop().create_task(self._iterate())
        return EngineFacts(kind="step", model="none", planned_lengths=True)

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        if not self._step_s:
            for _ in range(call.max_output_tokens):
                on_token("word ", 1)
        else:
            end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._running[call.request_id] = (call, on_token, end)
            self._given[call.request_id] = 0
            await end
        return Answer("", call.max_output_tokens, "stream")

    async def _iterate(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            at += self._step_s
            await asyncio.sleep(at - loop.time())
            for number, (call, on_token, end) in list(self._running.items()):
                on_token("word ", 1)
                self._given[number] += 1
                if self._given[number] == call.max_output_tokens:
                    del self._running[number]
                    end.set_result(None)

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        raise NotImplementedError

    def probes(self) -> Sequence[Probe]:
        return ()

    async def close(self) -> None:
        if self._task:
            self._task.cancel()


@dataclass
class Metered:
    """An engine, and the processor and wall time from its opening to its closing."""

    engine: Engine
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tokens: int = 0
    _started: tuple[float, float] = field(default=(0.0, 0.0))

    async def open(self) -> EngineFacts:
        facts = await self.engine.open()
        self._started = (time.process_time(), time.perf_counter())
        return facts

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        return await self.engine.generate(call, on_token)

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        return await self.engine.count_tokens(prompts)

    def probes(self) -> Sequence[Probe]:
        return self.engine.probes()

    async def close(self) -> None:
        self.cpu_s = time.process_time() - self._started[0]
        self.wall_s = time.perf_counter() - self._started[1]
        await self.engine.close()


def traffic(requests: int, tokens: int, rate_rps: float, places: int) -> Scenario:
    """The paper's tenants and policy SJF; every answer has `tokens` tokens."""
    sets = [f"phases.0.requests={requests}", "phases.0.drain=false", "phases.0.pause_s=0"]
    sets += ["phases.1.requests=1", "policy.kind=sjf", "engine.mode=continuous"]
    sets += [f"phases.0.arrivals={{kind: poisson, rate_rps: {rate_rps}}}"]
    sets += [f"engine.batch_size={places}", "lengths=capped"]
    sets += [f"categories.{number}.max_output_tokens={tokens}" for number in range(4)]
    return load_scenario("paper", sets)


def measured(scenario: Scenario, engine: Engine, address: str = "") -> Metered:
    """Run once; every request must have been served."""
    metered = Metered(engine)
    kind = {"kind": "openai"} | ({"endpoints": [address]} if address else {})
    result = run_live(scenario, parse_options({"engine": kind}), engine=metered, probes=())
    unserved = int((result.requests["status"] != "finished").sum())
    if unserved:
        raise SystemExit(f"{unserved} requests were not served")
    metered.tokens = int(result.requests["output_tokens"].sum())
    return metered


def figures(requests: int, seconds: float) -> dict[str, float]:
    """Both engines, both ways."""
    at_once = traffic(requests, 1, 2000.0, 16)
    steady = traffic(int(seconds / STEP_S / ANSWER_TOKENS * 10), ANSWER_TOKENS, 20.0, 10)
    found: dict[str, float] = {}
    for prefix in ("", "http_"):
        for scenario, step_s in ((at_once, 0.0), (steady, STEP_S)):
            if prefix:
                with server(step_s) as address:
                    options = parse_options({"engine": {"kind": "openai", "endpoints": [address]}})
                    run = measured(scenario, options.engine.build(), address)
            else:
                run = measured(scenario, StepEngine(step_s))
            if step_s:
                found[f"{prefix}core_share"] = run.cpu_s / run.wall_s
                found[f"{prefix}tokens_per_s"] = run.tokens / run.wall_s
            else:
                found[f"{prefix}overhead_ms_per_request"] = 1000 * run.cpu_s / requests
    return found


# ---- the endpoint on loopback ----------------------------------------------------------------


@contextmanager
def server(step_s: float) -> Iterator[str]:
    """Start the endpoint in a process of its own; it ends with its standard input."""
    command = [sys.executable, __file__, "--serve", str(step_s)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.kill()


async def serve(step_s: float) -> None:
    """Stream answers of `max_tokens` words, one event a token, over connections that are kept."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = head.partition("content-length: ")[2].split("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                if head.startswith("post"):
                    await _stream(writer, json.loads(body)["max_tokens"], step_s)
                else:
                    _plain(writer, head.split()[1])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _stream(writer: asyncio.StreamWriter, tokens: int, step_s: float) -> None:
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode())
    word = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    usage = {"prompt_tokens": 20, "completion_tokens": tokens}
    for _ in range(tokens):
        if step_s:
            await asyncio.sleep(step_s)
        _chunk(writer, {"id": "chatcmpl-0", "model": "none", "choices": [word]})
    _chunk(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
    _chunk(writer, {"choices": [], "usage": usage})
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


def _chunk(writer: asyncio.StreamWriter, event: object) -> None:
    data = f"data: {json.dumps(event)}\n\n".encode()
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


def _plain(writer: asyncio.StreamWriter, path: str) -> None:
    found = path.endswith("/models")
    body = json.dumps({"data": [{"id": "none"}]} if found else {}).encode()
    head = (
        f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)


def main() -> None:
    """Print the figures; exit 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(serve(arguments.serve))
        return
    if arguments.requests < 1 or arguments.seconds < 1:
        parser.error("--requests and --seconds must be >= 1")
    found = {
        name: round(value, 5)
        for name, value in figures(arguments.requests, arguments.seconds).items()
    }
    if arguments.json:
        print(json.dumps(found | {"limits": LIMITS}))
    else:
        for name, value in found.items():
            print(f"{name:30} {value:10.4f}  {f'limit {LIMITS[name]:g}' if name in LIMITS else ''}")
    sys.exit(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
