"""Ways to say what an iteration costs: data sheet, constant rate, coefficients, measured table."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from driftsched.core.config import Config
from driftsched.serving.catalogue import STACKS, Gpu, Model
from driftsched.serving.curve import Curve
from driftsched.serving.iteration import IterationCost
from driftsched.serving.roofline import roofline_cost

__all__ = [
    "CoefficientsConfig",
    "ConstantRateConfig",
    "CostConfig",
    "IterationCost",
    "RooflineConfig",
    "TableConfig",
]

MOST_ROWS = 1000
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]
Milliseconds = Annotated[float, Field(ge=0, le=1_000_000)]


class RooflineConfig(Config):
    """Data-sheet roofline with measured efficiencies (Vidur's and Splitwise's profiles)."""

    kind: Literal["roofline"] = "roofline"
    overhead_s: float = Field(0.0, ge=0, le=10, description="fixed seconds an iteration")
    memory_efficiency: float = Field(0.8, gt=0, le=1, description="MBU")
    compute_efficiency: float = Field(0.72, gt=0, le=1, description="MFU")
    link_efficiency: float = Field(0.8, gt=0, le=1, description="of the link between GPUs")
    stack: Literal["auto", "kernels", "vllm-0.2"] = Field(
        "auto",
        description="serving program: kernels adds nothing to the GPUs' work, vllm-0.2 what a "
        "host without CUDA graphs adds; auto is kernels on one GPU and vllm-0.2 on several",
    )

    def build(self, gpu: Gpu, model: Model, tensor_parallel: int = 1) -> IterationCost:
        """Coefficients of `model` on `tensor_parallel` of `gpu`; see `roofline_cost`."""
        automatic = "kernels" if tensor_parallel == 1 else "vllm-0.2"
        return roofline_cost(
            gpu,
            model,
            STACKS[automatic if self.stack == "auto" else self.stack],
            tensor_parallel=tensor_parallel,
            memory_efficiency=self.memory_efficiency,
            compute_efficiency=self.compute_efficiency,
            link_efficiency=self.link_efficiency,
            overhead_s=self.overhead_s,
        )


class ConstantRateConfig(Config):
    """A server of constant rate: each iteration takes `token_s`, prompts are free.

    With a batch size of one this is the single server of queueing theory, its service time
    proportional to the output length.
    """

    kind: Literal["constant"] = "constant"
    token_s: float = Field(gt=0, le=1000)

    def build(self, gpu: Gpu, model: Model, tensor_parallel: int = 1) -> IterationCost:
        """The same for every GPU and model."""
        return IterationCost(0.0, self.token_s, 0.0, 0.0, 0.0)


class CoefficientsConfig(Config):
    """Coefficients measured on a real engine, as calibration writes them; see `IterationCost`.

    They hold for the GPU, the model and the engine they were measured on, whatever the scenario's
    GPU and model are.
    """

    kind: Literal["coefficients"] = "coefficients"
    overhead_s: float = Field(ge=0, le=1000, description="fixed seconds an iteration")
    weights_s: float = Field(ge=0, le=1000, description="seconds an iteration to read the weights")
    token_s: float = Field(ge=0, le=1000, description="seconds a token computed")
    kv_token_s: float = Field(0.0, ge=0, le=1, description="seconds a token of KV cache read")
    attention_s: float = Field(0.0, ge=0, le=1, description="seconds a squared prompt token")
    request_s: float = Field(0.0, ge=0, le=1000, description="seconds a request in the iteration")
    prompt_s: float = Field(0.0, ge=0, le=1000, description="seconds a prompt that begins")
    provenance: str = Field("", max_length=500, description="what was measured, when and how well")

    @model_validator(mode="after")
    def _takes_time(self) -> CoefficientsConfig:
        if not self.overhead_s + self.weights_s + self.token_s > 0:
            raise ValueError("one of overhead_s, weights_s and token_s must be > 0, got 0 for all")
        return self

    def build(self, gpu: Gpu, model: Model, tensor_parallel: int = 1) -> IterationCost:
        """The same for every GPU and model."""
        return IterationCost(
            self.overhead_s,
            self.weights_s,
            self.token_s,
            self.kv_token_s,
            self.attention_s,
            request_s=self.request_s,
            prompt_s=self.prompt_s,
        )


class TableConfig(Config):
    """Measured tables: milliseconds by tokens in the iteration, and by tokens of KV cache read.

    Between rows the time is interpolated, above the last it goes on as between the last two. Below
    the first row an iteration costs as much as that row, and the cache goes to zero. The tables
    hold for the GPUs and the model they were measured on, whatever the scenario's are.
    """

    kind: Literal["table"] = "table"
    iteration_tokens: tuple[Tokens, ...] = Field(
        min_length=1, max_length=MOST_ROWS, description="tokens in the iteration, ascending"
    )
    iteration_ms: tuple[Milliseconds, ...] = Field(
        min_length=1, max_length=MOST_ROWS, description="milliseconds for each, KV cache aside"
    )
    kv_tokens: tuple[Tokens, ...] = Field(
        (), max_length=MOST_ROWS, description="tokens of KV cache read, ascending"
    )
    kv_ms: tuple[Milliseconds, ...] = Field(
        (), max_length=MOST_ROWS, description="milliseconds for each, to be added"
    )
    attention_s: float = Field(0.0, ge=0, le=1, description="seconds a squared prompt token")
    overhead_s: float = Field(0.0, ge=0, le=1000, description="seconds an iteration to be added")
    provenance: str = Field("", max_length=500, description="what was measured, when and how well")

    @model_validator(mode="after")
    def _rows(self) -> TableConfig:
        _check_rows("iteration", self.iteration_tokens, self.iteration_ms)
        _check_rows("kv", self.kv_tokens, self.kv_ms)
        if not self.iteration_ms[0] + self.overhead_s > 0:
            raise ValueError("the first of iteration_ms must be > 0, got 0")
        return self

    def build(self, gpu: Gpu, model: Model, tensor_parallel: int = 1) -> IterationCost:
        """The same for every GPU and model."""
        seconds, kv_s = ([ms / 1e3 for ms in column] for column in (self.iteration_ms, self.kv_ms))
        return IterationCost(
            self.overhead_s,
            0.0,
            0.0,
            0.0,
            self.attention_s,
            by_tokens=Curve(self.iteration_tokens, seconds, floor=True),
            by_kv=Curve(self.kv_tokens or (0,), kv_s or (0.0,), floor=False),
        )


def _check_rows(name: str, tokens: tuple[int, ...], ms: tuple[float, ...]) -> None:
    """Refuse columns of different lengths, tokens that do not ascend, times that fall."""
    if len(tokens) != len(ms):
        raise ValueError(
            f"{name}_tokens and {name}_ms must be equally long, got {len(tokens)} and {len(ms)}"
        )
    for (few, fast), (many, slow) in pairwise(zip(tokens, ms, strict=True)):
        if many <= few:
            raise ValueError(f"{name}_tokens must ascend, got {many} after {few}")
        if slow < fast:
            raise ValueError(
                f"{name}_ms must not fall, got {slow:g} at {many} tokens after {fast:g} at {few}"
            )


if TYPE_CHECKING:
    CostConfig = RooflineConfig | ConstantRateConfig | CoefficientsConfig | TableConfig
else:
    CostConfig = Annotated[
        RooflineConfig | ConstantRateConfig | CoefficientsConfig | TableConfig,
        Field(discriminator="kind"),
    ]
