"""What an iteration costs: seconds as a function of the tokens in it and the KV cache read."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from driftsched.config import Config
from driftsched.serving.catalogue import Gpu, Model

__all__ = [
    "CoefficientsConfig",
    "ConstantRateConfig",
    "CostConfig",
    "IterationCost",
    "RooflineConfig",
]


class IterationCost:
    """t = overhead + √(weights² + (token · n)²) + kv · KV tokens read + attention · Σ prompt².

    The root of squares follows the measured knee between memory-bound and compute-bound iterations,
    which a hard maximum does not.

    Parameters
    ----------
    overhead_s, weights_s : float
        Seconds an iteration: fixed, and to read the weights.
    token_s, kv_token_s, attention_s : float
        Seconds a token computed, a token of KV cache read, a squared prompt token.
    """

    __slots__ = (
        "_fixed",
        "attention_s",
        "kv_token_s",
        "overhead_s",
        "token_s",
        "weights_s",
    )

    def __init__(
        self,
        overhead_s: float,
        weights_s: float,
        token_s: float,
        kv_token_s: float,
        attention_s: float,
    ) -> None:
        self.overhead_s = overhead_s
        self.weights_s = weights_s
        self.token_s = token_s
        self.kv_token_s = kv_token_s
        self.attention_s = attention_s
        self._fixed: dict[int, float] = {}

    def fixed(self, tokens: int) -> float:
        """Seconds of an iteration over `tokens` tokens, without reading the KV cache."""
        compute = self.token_s * tokens
        return self.overhead_s + sqrt(self.weights_s * self.weights_s + compute * compute)

    def iteration(self, tokens: int, kv_tokens: int, squared_prompts: int = 0) -> float:
        """Seconds of one iteration.

        Parameters
        ----------
        tokens : int
            All tokens in it: whole prompts being prefilled, one for each decoding request.
        kv_tokens : int
            Tokens of cached context read by the decoding requests.
        squared_prompts : int
            Sum of the squares of the prompt lengths prefilled.
        """
        return self.fixed(tokens) + self.kv_token_s * kv_tokens + self.attention_s * squared_prompts

    def stretch(self, iterations: int, running: int, kv_tokens: int) -> float:
        """Seconds of `iterations` decode iterations in which nobody joins or leaves.

        The KV cache read starts at `kv_tokens` and grows by `running` an iteration, so the sum has
        a closed form: the jump-ahead.
        """
        grown = kv_tokens * iterations + running * (iterations * (iterations - 1) // 2)
        try:
            fixed = self._fixed[running]
        except KeyError:
            fixed = self._fixed[running] = self.fixed(running)
        return iterations * fixed + self.kv_token_s * grown

    def stretch_past(self, seconds: float, running: int, kv_tokens: int) -> tuple[int, float]:
        """Fewest iterations (at least one) of a stretch that last `seconds`, and how long they do.

        The root of the closed form, rounded down, is at most one iteration short.
        """
        a = self.kv_token_s * running / 2
        b = self.stretch(1, running, kv_tokens) - a
        steps = int(2 * seconds / (b + sqrt(b * b + 4 * a * seconds))) or 1
        lasting = self.stretch(steps, running, kv_tokens)
        if lasting < seconds:
            steps += 1
            lasting = self.stretch(steps, running, kv_tokens)
        return steps, lasting


class RooflineConfig(Config):
    """Data-sheet roofline with measured efficiencies (Vidur's and Splitwise's profiles)."""

    kind: Literal["roofline"] = "roofline"
    overhead_s: float = Field(0.0, ge=0, le=10, description="fixed seconds an iteration")
    memory_efficiency: float = Field(0.8, gt=0, le=1, description="MBU")
    compute_efficiency: float = Field(0.72, gt=0, le=1, description="MFU")

    def build(self, gpu: Gpu, model: Model) -> IterationCost:
        """Coefficients of `model` on `gpu`."""
        bytes_s = self.memory_efficiency * gpu.bandwidth_gbs * 1e9
        flops = self.compute_efficiency * gpu.tflops * 1e12
        return IterationCost(
            overhead_s=self.overhead_s,
            weights_s=model.weight_bytes / bytes_s,
            token_s=2 * model.params / flops,
            kv_token_s=model.kv_bytes_per_token / bytes_s,
            attention_s=2 * model.layers * model.hidden / flops,
        )


class ConstantRateConfig(Config):
    """A server of constant rate: each iteration takes `token_s`, prompts are free.

    With a batch size of one this is the single server of queueing theory, its service time
    proportional to the output length.
    """

    kind: Literal["constant"] = "constant"
    token_s: float = Field(gt=0, le=1000)

    def build(self, gpu: Gpu, model: Model) -> IterationCost:
        """The same for every GPU and model."""
        return IterationCost(self.token_s, 0.0, 0.0, 0.0, 0.0)


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
    provenance: str = Field("", max_length=500, description="what was measured, when and how well")

    @model_validator(mode="after")
    def _takes_time(self) -> CoefficientsConfig:
        if not self.overhead_s + self.weights_s + self.token_s > 0:
            raise ValueError("one of overhead_s, weights_s and token_s must be > 0, got 0 for all")
        return self

    def build(self, gpu: Gpu, model: Model) -> IterationCost:
        """The same for every GPU and model."""
        return IterationCost(
            self.overhead_s,
            self.weights_s,
            self.token_s,
            self.kv_token_s,
            self.attention_s,
        )


if TYPE_CHECKING:
    CostConfig = RooflineConfig | ConstantRateConfig | CoefficientsConfig
else:
    CostConfig = Annotated[
        RooflineConfig | ConstantRateConfig | CoefficientsConfig,
        Field(discriminator="kind"),
    ]
