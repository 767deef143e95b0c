"""What an endpoint may send, and addresses it may have, made by chance: each is one clear line."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from driftsched.core.errors import DriftSchedError
from driftsched.live import EngineError, parse_options
from driftsched.live.openai_engine import _discover
from driftsched.live.openai_events import AnswerStream, EventReader
from driftsched.live.openai_metrics import figures, read_metrics
from driftsched.live.openai_options import check_endpoint

MOST = 20
NUMBERS: tuple[Any, ...] = (
    0,
    1,
    5,
    -1,
    2**31,
    2**63 - 1,
    2**64,
    10**300,
    1.5,
    1e308,
    True,
    None,
    "many",
    [],
    {},
)
TEXTS = ("word ", "", "\0", "\ud800", "é" * 40, "data: x", "\r", None, 3, ["x"])
NAMES = ("choices", "delta", "content", "usage", "prompt_tokens", "error", "id", "data", "x")
ENDS = (b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r", b"")
PARTS: tuple[str, ...] = (
    "http://",
    "https://",
    "127.0.0.1",
    "[::1]",
    "[",
    "]",
    "localhost",
    ":",
    "8000",
    "99999",
    "/",
)
PARTS += (
    "v1",
    "..",
    ".",
    "-",
    "x" * 70,
    "?a=b",
    "#",
    "@",
    "key",
    "%00",
    "é",
    " ",
    "::ffff:1.2.3.4",
)
METRICS = (
    "vllm:num_requests_running",
    "sglang:token_usage",
    "vllm:cache_config_info",
    "llamacpp:x",
)


def trial(seed: int, n: int) -> list[str]:
    """Make `n` answers, descriptions and addresses each; say what went wrong, one line each."""
    rng = random.Random(seed)
    failures = []
    for _ in range(n):
        for part in (_answer, _description, _address):
            made: list[object] = []
            try:
                part(rng, made)
            except (EngineError, DriftSchedError) as error:
                if "\n" in str(error) or len(str(error)) > 600:
                    failures.append(f"{part.__name__} {made}: a long message {str(error)[:200]!r}")
            except Exception as error:  # noqa: BLE001  any other is what is looked for
                failures.append(f"{part.__name__} {made}: {type(error).__name__}: {error}")
    return failures


def _value(rng: random.Random, depth: int = 3) -> Any:
    if depth and rng.random() < 0.5:
        inner = [_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
        if rng.random() < 0.5:
            return inner
        return {rng.choice(NAMES): value for value in inner}
    return rng.choice((*NUMBERS, *TEXTS))


def _event(rng: random.Random) -> bytes:
    usage = {
        "prompt_tokens": rng.choice(NUMBERS),
        "completion_tokens": rng.choice(NUMBERS),
        "prompt_tokens_details": rng.choice((None, {"cached_tokens": rng.choice(NUMBERS)}, 1)),
    }
    word: Any = {"choices": [{"delta": {"content": rng.choice(TEXTS)}}]}
    end: Any = {"choices": [{"delta": {}, "finish_reason": rng.choice(("stop", "length", 7, ""))}]}
    made = rng.choice((word, word, word, end, {"choices": [], "usage": usage}, _value(rng)))
    text = json.dumps(made).encode()
    return rng.choice((text, text, text, text[: rng.randint(0, len(text))], b"[DONE]", b""))


def _answer(rng: random.Random, made: list[object]) -> None:
    end = rng.choice(ENDS)
    events = [b"data:" + rng.choice((b"", b" ")) + _event(rng) for _ in range(rng.randint(0, 9))]
    body = b"".join(event + rng.choice((end, end, rng.choice(ENDS))) for event in events)
    made.append(body)
    size = rng.choice((1, 7, 10_000))
    reader, came = EventReader(2000, 20_000), []
    answer = AnswerStream(MOST, lambda text, tokens: came.append(tokens))
    for at in range(0, len(body), size):
        for data in reader.feed(body[at : at + size]):
            answer.take(data)
    found = answer.finished()
    assert 1 <= found.output_tokens <= max(MOST, answer.pieces)
    assert found.prompt_tokens is None or 1 <= found.prompt_tokens <= 10**9
    assert found.cached_tokens is None or 0 <= found.cached_tokens <= 10**9
    assert len(found.note) < 300
    assert sum(came) in (answer.pieces, found.output_tokens)


class _Told:
    """Stands for HTTP: the models, properties and metrics as made."""

    def __init__(self, rng: random.Random, made: list[object]) -> None:
        rows = [
            {
                "id": rng.choice(("m", "/a/m.gguf", 3, None)),
                "owned_by": rng.choice(("vllm", "llamacpp", 5)),
                "max_model_len": rng.choice(NUMBERS),
            }
        ]
        slots = {"total_slots": rng.choice(NUMBERS), "default_generation_settings": _value(rng)}
        self.models = rng.choice(({"data": rows}, {"data": rows}, _value(rng)))
        self.props = rng.choice((slots, _value(rng)))
        number = rng.choice(("1", "1e300", "-1", "nan", "x", "1e308", "0.5", "9" * 400))
        label = rng.choice(('{a="b"}', '{block_size="1",num_gpu_blocks="1e9"}', "{", "", '{a="}"}'))
        self.metrics = "".join(f"{name}{label} {number}\n" for name in METRICS)
        made += [self.models, self.props, self.metrics]

    async def get_json(self, url: str) -> Any:
        return self.models if url.endswith("/models") else self.props

    async def get(self, url: str) -> bytes:
        return self.metrics.encode()


def _description(rng: random.Random, made: list[object]) -> None:
    told: Any = _Told(rng, made)
    _, facts = asyncio.run(_discover(told, "http://127.0.0.1:1/v1", None))
    for count in (facts.slots, facts.context_tokens, facts.kv_capacity_tokens):
        assert count is None or count >= 1
    figures(read_metrics(told.metrics), facts.kv_capacity_tokens)


def _address(rng: random.Random, made: list[object]) -> None:
    address = rng.choice(("http://", "https://", "")) + "".join(
        rng.choices(PARTS, k=rng.randint(1, 6))
    )
    made.append(address)
    options = parse_options({"engine": {"kind": "openai", "endpoints": [address]}})
    for endpoint in options.engine.model_dump()["endpoints"]:
        check_endpoint(endpoint)
