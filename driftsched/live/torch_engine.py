"""In-process torch through transformers' continuous batching: paged KV cache, CUDA graphs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from driftsched.core.errors import RunError
from driftsched.live.engine import Answer, Call, EngineError, EngineFacts, OnToken, Probe
from driftsched.live.torch_model import LoadedModel, load_model
from driftsched.live.torch_options import TorchOptions
from driftsched.live.torch_text import Pieces

PAGE_TOKENS = 64
CPU_KV_TOKENS = 32_768
CPU_BATCH_TOKENS = 2048
GREEDY = 1e-4
"""A temperature so low that the likeliest token is always drawn."""
WARM_UP = ((8, 4), (64, 4))
"""Prompt and output tokens of the calls that `open` makes, so that the first request is no slower
than the others."""
STOPPING_S = 20.0


class TorchEngine:
    """A model in this process. Generation has a thread of its own; the event loop never waits.

    Use it through the `Engine` interface: open, any number of calls side by side, close. `loaded`
    is a model that is loaded already; engines may use it one after the other.
    """

    def __init__(self, options: TorchOptions, loaded: LoadedModel | None = None) -> None:
        self.options = options
        self._given = loaded
        self._loaded: LoadedModel | None = None
        self._manager: Any = None
        self._numbers = count()
        self._threads: int | None = None
        self._kv_tokens: int | None = None

    async def open(self) -> EngineFacts:
        """Load the model, start its thread, warm up."""
        loaded = self._given
        if loaded is None:
            loaded = await asyncio.to_thread(load_model, self.options)
        self._loaded = loaded
        await asyncio.to_thread(self._start, loaded)
        for prompt, output in WARM_UP:
            try:
                await self._run([1] * prompt, min(output, loaded.context_tokens - prompt), 1.0)
            except EngineError as error:
                raise RunError(f"{loaded.name} cannot generate: {error.reason}") from None
        import torch
        import transformers

        cache = self._manager.batch_processor.cache
        self._kv_tokens = int(cache.num_blocks) * PAGE_TOKENS
        device = loaded.model.device
        return EngineFacts(
            kind="torch",
            model=loaded.name,
            server=f"torch {torch.__version__}, transformers {transformers.__version__}",
            slots=self.options.slots,
            context_tokens=loaded.context_tokens,
            kv_capacity_tokens=self._kv_tokens,
            gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
            metrics=("in_engine", "engine_waiting", "kv_used_tokens", "kv_capacity_tokens"),
            counts_prompts=True,
            planned_lengths=loaded.planned,
            notes=loaded.notes,
        )

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        """Run one call; see `Engine`."""
        loaded = self._opened()
        prompt = loaded.tokenizer.encode(call.prompt)
        limit = call.max_output_tokens
        if loaded.planned:
            limit = min(limit, call.planned_output_tokens)
        if len(prompt) + limit > loaded.context_tokens:
            raise EngineError(
                f"a prompt of {len(prompt)} tokens and {limit} of output are over the context of "
                f"{loaded.context_tokens}"
            )
        text: list[str] = []

        def take(piece: str, tokens: int) -> None:
            text.append(piece)
            on_token(piece, tokens)

        ids = await self._run(prompt, limit, call.temperature, take)
        stopped = ids[-1] in loaded.end_tokens
        return Answer(
            text="".join(text),
            output_tokens=len(ids),
            counted_by="tokenizer",
            prompt_tokens=len(prompt),
            finish_reason="stop" if stopped else "length",
        )

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        """Length of each prompt in the model's tokens."""
        encode = self._opened().tokenizer.encode
        return await asyncio.to_thread(lambda: [len(encode(prompt)) for prompt in prompts])

    def probes(self) -> Sequence[Probe]:
        """The engine's own view of its queue and its cache."""
        return (self,)

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """What the engine's scheduler and cache hold right now."""
        processor = self._manager.batch_processor if self._manager is not None else None
        if processor is None or self._kv_tokens is None:
            return {}
        used = 1.0 - processor.cache.compute_free_capacity()
        return {
            0: {
                "in_engine": float(len(processor.scheduler.active_requests)),
                "engine_waiting": float(len(processor.scheduler.waiting_requests)),
                "kv_used_tokens": used * self._kv_tokens,
                "kv_capacity_tokens": float(self._kv_tokens),
            }
        }

    async def close(self) -> None:
        """Stop the thread and free the memory."""
        manager, self._manager, self._loaded = self._manager, None, None
        if manager is not None:
            await asyncio.to_thread(self._stop, manager)

    def _opened(self) -> LoadedModel:
        if self._loaded is None or self._manager is None:
            raise EngineError("the engine is closed")
        return self._loaded

    def _start(self, loaded: LoadedModel) -> None:
        import torch
        import transformers

        library: Any = transformers
        options = self.options
        if options.threads is not None:
            self._threads = torch.get_num_threads()
            torch.set_num_threads(options.threads)
        # A temperature other than 1 makes transformers apply each request's own.
        sampling = library.GenerationConfig(
            do_sample=True, temperature=0.7, top_k=0, eos_token_id=-1, pad_token_id=0
        )
        on_cpu = loaded.model.device.type == "cpu"
        kv_tokens = options.kv_tokens or (CPU_KV_TOKENS if on_cpu else None)
        batching = library.ContinuousBatchingConfig(
            page_size=PAGE_TOKENS,
            num_blocks=None if kv_tokens is None else -(-kv_tokens // PAGE_TOKENS),
            max_batch_tokens=options.batch_tokens or (CPU_BATCH_TOKENS if on_cpu else None),
            max_requests_per_batch=options.slots,
            allow_block_sharing=options.prefix_cache,
            safety_margin=0.0,
            per_request_processors=True,
            seed=options.seed,
            auto_switch_to_flash=options.attention == "auto" and not on_cpu,
        )
        self._manager = manager = loaded.model.init_continuous_batching(
            generation_config=sampling, continuous_batching_config=batching
        )
        with torch.no_grad():
            manager.warmup()
        manager.start()

    def _stop(self, manager: Any) -> None:
        import torch

        manager.stop(block=True, timeout=STOPPING_S, hard_stop=True)
        if self._threads is not None:
            torch.set_num_threads(self._threads)

    async def _run(
        self, prompt: list[int], limit: int, temperature: float, on_token: OnToken | None = None
    ) -> list[int]:
        """Generate up to `limit` tokens; returns their ids."""
        loaded, manager = self._opened(), self._manager
        name = f"r{next(self._numbers)}"
        done: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        pieces = Pieces(loaded.tokenizer)

        def take(output: Any) -> None:
            if done.done():
                return
            if output.error is not None:
                done.set_exception(EngineError(_one_line(output.error)))
                return
            ended = output.is_finished()
            if on_token is not None and len(output.generated_tokens) > pieces.tokens:
                on_token(*pieces.take(output.generated_tokens, last=ended))
            if ended:
                done.set_result(output.generated_tokens)

        manager.register_result_handler(name, take)
        taken = manager.add_request(
            prompt,
            request_id=name,
            max_new_tokens=limit,
            streaming=True,
            eos_token_id=loaded.end_tokens or -1,
            temperature=max(float(temperature), GREEDY),
        )
        if taken is None:
            raise EngineError("the engine's generation thread has ended")
        try:
            return await done
        except asyncio.CancelledError:
            manager.cancel_request(name)
            raise


def _one_line(error: str) -> str:
    words = " ".join(error.split())
    return words if len(words) <= 300 else f"{words[:297]}..."
