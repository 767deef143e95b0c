"""What a live engine is: something that streams answers to prompts, and says what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import ClassVar, Literal, Protocol, cast

from driftsched.core.config import Config

OnToken = Callable[[str, int], None]
"""Text that came, and how many tokens it is; none, where the answer ends with a token that has no
text and is in no piece. Called on the event loop's thread, as tokens come."""

CountedBy = Literal["usage", "tokenizer", "stream"]
PriorityOrder = Literal["lower_first", "higher_first"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an engine sees it.

    Attributes
    ----------
    prompt : str
        The user's text; the engine applies its chat template where it has one.
    max_output_tokens : int
        The answer is cut there, at least 1.
    planned_output_tokens : int
        Length the workload drew. Only a randomly initialised model follows it; a real model ends by
        itself.
    temperature : float
        0 is greedy.
    seed : int or None
        Of the sampling, where the engine takes one.
    priority : float or None
        The policy's score, lowest first; None is not passed on.
    replica : int
        Which of the engine's replicas serves it, 0 to ``EngineFacts.replicas - 1``.
    """

    request_id: int
    tenant: str
    prompt: str
    max_output_tokens: int
    planned_output_tokens: int
    temperature: float = 0.7
    seed: int | None = None
    priority: float | None = None
    replica: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes
    ----------
    text : str
        The answer.
    output_tokens : int
        Its length in the model's tokens, at least 1.
    counted_by : {"usage", "tokenizer", "stream"}
        Where the count comes from: the endpoint's usage figures, the model's own tokenizer, or the
        pieces of the stream.
    prompt_tokens : int or None
        The prompt as the model saw it, template included; None where nobody says.
    cached_tokens : int or None
        How many of them were found in a cache and not computed; None where nobody says.
    finish_reason : str
        "stop", "length" or the engine's own word.
    note : str
        What was odd, such as usage figures that cannot be true; mostly empty.
    """

    text: str
    output_tokens: int
    counted_by: CountedBy
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str = "stop"
    note: str = ""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What `Engine.open` found; None is unknown, never guessed.

    Attributes
    ----------
    kind, model, server : str
        Name in the registry of engines, the model as the engine calls it, and the software behind
        it, such as "vllm", "llama.cpp", "torch 2.13.0".
    replicas, slots : int
        Engines that serve side by side, and requests that one of them runs at once.
    context_tokens : int or None
        Prompt and answer together at most, for one request.
    kv_capacity_tokens : int or None
        KV cache of one replica.
    gpu : str or None
        Name of the GPU the engine runs on.
    metrics : tuple of str
        What its probes offer, by column of the gpus table.
    counts_prompts : bool
        Whether `count_tokens` can be asked.
    planned_lengths : bool
        Answers have the workload's lengths (a randomly initialised model).
    notes : tuple of str
        Plain sentences for the user.
    """

    kind: str
    model: str
    server: str | None = None
    replicas: int = 1
    slots: int | None = None
    context_tokens: int | None = None
    kv_capacity_tokens: int | None = None
    gpu: str | None = None
    metrics: tuple[str, ...] = ()
    counts_prompts: bool = False
    planned_lengths: bool = False
    notes: tuple[str, ...] = ()


class EngineError(Exception):
    """A call failed; `reason` is one clear line for the request's row, and never holds a key.

    `retryable` says that the same call may succeed in a moment (connection refused, 429, 503),
    `retry_after_s` how long the engine asks to wait.
    """

    def __init__(
        self, reason: str, *, retryable: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class Probe(Protocol):
    """Measures the machine or the engine while a run goes; what it cannot know it leaves out.

    One that fails is left out for that sample; it never ends the run. It may not block the event
    loop: slow calls go to a thread (``asyncio.to_thread``).
    """

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Return replica (or GPU number) → column of the gpus table → value, as of now.

        Columns: running, waiting, kv_used_tokens, kv_capacity_tokens, busy (0 to 1), power_w,
        energy_j, memory_used_mb, memory_total_mb, temperature_c, sm_clock_mhz, memory_clock_mhz,
        process_cpu (cores), process_memory_mb, and others as they come.
        """
        ...


class Engine(Protocol):
    """Serves calls. Used from one event loop: open, any number of calls side by side, close."""

    async def open(self) -> EngineFacts:
        """Connect or load, and say what was found.

        Raises
        ------
        RunError
            One line: what is missing, and what to do.
        """
        ...

    async def generate(self, call: Call, on_token: OnToken) -> Answer:
        """Run one call to its end, calling `on_token` at each piece of the answer.

        When its task is cancelled it frees its place in the engine and lets ``CancelledError``
        pass, within a few tenths of a second.

        Raises
        ------
        EngineError
            The call failed. No other exception may leave.
        """
        ...

    async def count_tokens(self, prompts: Sequence[str]) -> list[int]:
        """Length of each prompt in the model's tokens, its chat template included.

        Called only where ``EngineFacts.counts_prompts`` says so.
        """
        ...

    def probes(self) -> Sequence[Probe]:
        """What the engine itself can measure while it runs; may be empty."""
        ...

    async def close(self) -> None:
        """Let go of everything; safe to call twice, and after a failed `open`."""
        ...


class EngineSpec(Config):
    """Parameters of one kind of engine.

    `engine` is the class that they are for, "module:Class", which is imported when the engine is
    built and called with them.
    """

    engine: ClassVar[str]
    kind: str

    @property
    def priority_order(self) -> PriorityOrder | None:
        """Which priority the engine's own queue serves first; None where it takes none."""
        return None

    def build(self) -> Engine:
        """Return the engine, not yet opened.

        Raises
        ------
        InputError
            A parameter that the server's configuration does not allow.
        RunError
            A library that is not installed, by name.
        """
        return cast(Engine, resolve_name(self.engine)(self))
