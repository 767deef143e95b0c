"""The torch engine: a real model on the CPU behind the gateway, and a tiny random one."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import RunError
from driftsched.live import Call, LiveOptions
from driftsched.live.engine import EngineError
from driftsched.live.run import LiveRun, run_live
from driftsched.live.torch_engine import TorchEngine
from driftsched.live.torch_model import load_model
from driftsched.live.torch_options import TorchOptions
from driftsched.live.torch_text import Pieces, PlainTokenizer
from driftsched.results import RunResult
from tests.live.models import scaled_paper, smollm2, tiny

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def real() -> tuple[TorchOptions, Any]:
    """SmolLM2, loaded once."""
    options = TorchOptions(model=smollm2(), device="cpu", slots=16, kv_tokens=8192)
    return options, load_model(options)


def run_real(real: tuple[TorchOptions, Any], mode: str, policy: str) -> RunResult:
    options, loaded = real
    return run_live(
        scaled_paper(mode, policy),
        LiveOptions.model_validate({"engine": options.model_dump()}),
        engine=TorchEngine(options, loaded),
    )


def check_tables(result: RunResult) -> None:
    """Conservation, and no gap in any table."""
    requests = result.requests
    assert len(requests) == 38
    assert (requests["status"] == "finished").all(), requests["reason"].unique()
    assert set(requests["tenant"]) == {"premium", "standard", "batch"}
    times = requests[["arrival_s", "dispatch_s", "first_token_s", "last_token_s", "finish_s"]]
    assert (np.diff(times.to_numpy(), axis=1) >= 0).all(), "times of a request run backwards"
    assert (requests["output_tokens"] >= 1).all()
    assert (requests["output_tokens"] <= requests["max_output_tokens"]).all()
    assert (requests["counted_by"] == "tokenizer").all()
    assert (requests["prompt_tokens"] > 30).all(), "the chat template is not counted"
    assert sorted(result.learning["request_id"]) == list(range(38))
    assert (result.queues[["waiting", "running"]] >= 0).all(axis=None)
    assert result.gpus["process_cpu"].notna().all()
    assert result.gpus["kv_used_tokens"].max() > 0
    assert result.provenance["live"]["telemetry"]


def check_bias(result: RunResult) -> None:
    """Each category's bias has come nearer to what was measured than the 1 it began with."""
    for _, mine in result.learning.groupby("key", observed=True):
        measured = float(mine["measured_bias"].mean())
        assert abs(float(mine["bias"].iloc[-1]) - measured) < abs(1 - measured)


@pytest.mark.slow
def test_a_real_model_continuous_under_sjf(real: tuple[TorchOptions, Any]) -> None:
    """Else a live run would lose requests, learn nothing, or not be ordered by its policy."""
    result = run_real(real, "continuous", "sjf")
    check_tables(result)
    check_bias(result)
    assert sjf_holds(result)
    assert not fifo_holds(result), "under contention SJF must pass longer requests"


@pytest.mark.slow
def test_a_real_model_in_gangs_under_fifo(real: tuple[TorchOptions, Any]) -> None:
    """Else gangs would not end together, or the order would not be that of arrival."""
    result = run_real(real, "gang", "fifo")
    check_tables(result)
    check_bias(result)
    assert fifo_holds(result)
    ends = result.requests.groupby("batch_id")["finish_s"].nunique()
    assert (ends == 1).all()
    assert result.requests.groupby("batch_id").size().max() <= 8


def fifo_holds(result: RunResult) -> bool:
    return bool(result.requests["dispatch_s"].is_monotonic_increasing)


def sjf_holds(result: RunResult) -> bool:
    """Nobody was dispatched while a shorter request had been waiting."""
    requests = result.requests
    for row in requests.itertuples():
        waiting = (requests["arrival_s"] < row.dispatch_s) & (
            requests["dispatch_s"] > row.dispatch_s
        )
        if (requests.loc[waiting, "total_token_budget"] < row.total_token_budget).any():
            return False
    return True


def test_a_random_model_has_the_workloads_lengths() -> None:
    """Else a machine without weights could not replay a workload, and nobody would be told."""
    scenario = scaled_paper("continuous", "fifo", (10, 10))
    result = run_live(scenario, LiveOptions(engine=tiny()))
    caps = result.requests["max_output_tokens"]
    assert (result.requests["status"] == "finished").all()
    assert (result.requests["output_tokens"] <= caps).all()
    facts = result.provenance["live"]["engine"]
    assert facts["planned_lengths"]
    assert "randomly initialised" in facts["notes"][0]


def ask(number: int = 0, output: int = 12, prompt: str = "What is DNS?") -> Call:
    return Call(number, "a", prompt, max_output_tokens=output, planned_output_tokens=output)


async def with_engine(options: TorchOptions, use: Any) -> Any:
    engine = TorchEngine(options)
    try:
        await engine.open()
        return await use(engine)
    finally:
        await engine.close()
        await engine.close()


def test_tokens_stream_and_add_up() -> None:
    """Else the text of an answer and its pieces, or its token count, would not agree."""

    async def use(engine: TorchEngine) -> None:
        pieces: list[tuple[str, int]] = []
        answer = await engine.generate(ask(), lambda text, n: pieces.append((text, n)))
        assert answer.output_tokens == 12 == sum(n for _, n in pieces)
        assert answer.text == "".join(text for text, _ in pieces)
        assert len(pieces) == 12, "tokens must come one by one"
        assert [answer.prompt_tokens] == await engine.count_tokens(["What is DNS?"])

    asyncio.run(with_engine(tiny(), use))


def test_the_event_loop_goes_on_while_the_model_works() -> None:
    """Else a studio page would freeze during a generation."""

    async def use(engine: TorchEngine) -> int:
        work = asyncio.create_task(engine.generate(ask(output=200), lambda *_: None))
        turns = 0
        while not work.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(with_engine(tiny(), use)) > 200


def test_a_cancelled_call_frees_its_place_and_the_others_go_on() -> None:
    """Else a stopped request would go on computing, or take its neighbours with it."""

    async def use(engine: TorchEngine) -> None:
        came = asyncio.Event()
        long = asyncio.create_task(engine.generate(ask(1, 1500), lambda *_: came.set()))
        await came.wait()
        other = asyncio.create_task(engine.generate(ask(2, 30), lambda *_: None))
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        assert (await other).output_tokens == 30
        assert (await engine.sample())[0]["in_engine"] == 0

    asyncio.run(with_engine(tiny(), use))


def test_nothing_lingers_after_close() -> None:
    """Else every live run would leave a thread, and its model's memory, behind."""

    async def use(engine: TorchEngine) -> None:
        await engine.generate(ask(), lambda *_: None)

    before = set(threading.enumerate())
    asyncio.run(with_engine(tiny(), use))
    assert set(threading.enumerate()) <= before


def test_a_stopped_run_keeps_what_was_measured() -> None:
    """Else Ctrl-C would throw a long run away."""
    scenario = scaled_paper("continuous", "fifo", (10, 200))
    runs: list[LiveRun] = []

    def stop_midway(share: float) -> None:
        if share > 0.1:
            runs[0].cancel()

    result = run_live(
        scenario, LiveOptions(engine=tiny()), progress=stop_midway, observer=runs.append
    )
    ends = result.requests["status"].value_counts()
    assert ends["finished"] + ends["cancelled"] == 210
    assert ends["finished"] > 10
    assert ends["cancelled"] > 0


def test_a_prompt_that_is_too_long_is_one_clear_row() -> None:
    """Else one long prompt would end the run, or be cut silently."""

    async def use(engine: TorchEngine) -> None:
        with pytest.raises(EngineError, match=r"prompt of 3 tokens .* over the context of 64"):
            await engine.generate(ask(output=62, prompt="one two three"), lambda *_: None)
        closed = TorchEngine(tiny())
        with pytest.raises(EngineError, match="closed"):
            await closed.generate(ask(), lambda *_: None)

    asyncio.run(with_engine(tiny(context_tokens=64), use))


def test_the_same_seed_gives_the_same_answer() -> None:
    """Else a greedy or seeded answer could not be repeated."""

    async def use(engine: TorchEngine) -> str:
        call = replace(ask(output=20), temperature=0.0)
        return str((await engine.generate(call, lambda *_: None)).text)

    first, second = (asyncio.run(with_engine(tiny(), use)) for _ in range(2))
    assert first == second
    assert asyncio.run(with_engine(tiny(seed=2), use)) != first, "weights follow the seed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "no/such/file.gguf"}, "must be a GGUF file that exists"),
        ({"model": "/no/such/folder"}, "must be a hub name or a folder that exists"),
        ({"device": "cuda"}, "device must be cpu on a machine without a GPU"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(changes: dict[str, str], words: str) -> None:
    """Else a missing file or GPU would be a traceback of another library."""
    torch = pytest.importorskip("torch")
    if changes.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RunError, match=words) as error:
        asyncio.run(TorchEngine(tiny(**changes)).open())
    assert "\n" not in str(error.value)


class Bytes:
    """A tokenizer whose tokens are single bytes, as byte-level ones have for rare signs."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Any) -> str:
        return bytes(ids).decode(errors="replace")


@pytest.mark.parametrize("tokenizer", [Bytes(), PlainTokenizer(512)])
def test_pieces_make_the_whole_text(tokenizer: Any) -> None:
    """Else a sign of several bytes would come as broken pieces."""
    ids = tokenizer.encode("Straße, 東京, naïve 🙂 end")
    pieces = Pieces(tokenizer)
    texts = [pieces.take(ids[: n + 1], last=n + 1 == len(ids))[0] for n in range(len(ids))]
    assert "".join(texts) == tokenizer.decode(ids)
    assert pieces.tokens == len(ids)


def test_learning_is_in_the_models_own_tokens() -> None:
    """Else the second finding of the paper, that words make the drift, could not be seen live."""
    scenario = scaled_paper("continuous", "fifo", (6, 6))
    tokens = scenario.estimator.model_copy(update={"unit": "tokens"})
    result = run_live(scenario.model_copy(update={"estimator": tokens}), LiveOptions(engine=tiny()))
    pd.testing.assert_series_equal(
        result.requests["counted_output_tokens"],
        result.requests["output_tokens"],
        check_names=False,
    )
    words = run_live(scenario, LiveOptions(engine=tiny())).requests
    assert (words["counted_output_tokens"] < words["output_tokens"]).any()
