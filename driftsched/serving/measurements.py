"""The data-sheet model beside published measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import RooflineConfig
from driftsched.serving.power import power_shares

__all__ = ["Measurement", "predicted", "published"]


@dataclass(frozen=True)
class Measurement:
    """One measured iteration.

    Attributes
    ----------
    part : str
        linear (kernels of the linear layers alone), prefill (a whole step for one prompt), decode
        (a whole step for requests that each get a token) or power (what a GPU draws in such steps).
    tokens : int
        Tokens in the iteration.
    context_tokens : int
        Tokens of each decoding request in the cache.
    measured : float
        Milliseconds, of power watts.
    """

    gpu: str
    model: str
    tensor_parallel: int
    part: str
    tokens: int
    context_tokens: int
    measured: float
    source: str

    @property
    def unit(self) -> str:
        """Of what was measured."""
        return "W" if self.part == "power" else "ms"

    @property
    def set_up(self) -> tuple[str, str, int]:
        """GPU, model and how many GPUs share it."""
        return self.gpu, self.model, self.tensor_parallel

    def predicted(self, cost: RooflineConfig | None = None) -> float:
        """What the model says, by default with the studio's defaults."""
        return predicted(
            self.gpu,
            self.model,
            self.part,
            self.tokens,
            tensor_parallel=self.tensor_parallel,
            context_tokens=self.context_tokens,
            cost=cost,
        )

    def error(self, cost: RooflineConfig | None = None) -> float:
        """Share by which the model says more than was measured."""
        return self.predicted(cost) / self.measured - 1


def predicted(
    gpu: str,
    model: str,
    part: str,
    tokens: int,
    *,
    tensor_parallel: int = 1,
    context_tokens: int = 0,
    cost: RooflineConfig | None = None,
) -> float:
    """Milliseconds (of power watts) that the model says, by default with the studio's defaults.

    Parameters
    ----------
    gpu, model : str
        Names of the catalogue.
    part : str
        linear (the linear layers alone), prefill (of one prompt), decode or power (of decode).
    tokens : int
        Tokens of the prompt or the layers; of decode and power, requests.
    tensor_parallel : int
        GPUs that share the model.
    context_tokens : int
        Of decode and power: tokens of KV cache a request.
    cost : RooflineConfig, optional
        Other efficiencies.

    Examples
    --------
    >>> round(predicted("A100-80", "llama-3-8b", "linear", 2048))
    148
    >>> round(predicted("A100-80", "llama-2-70b", "prefill", 512, tensor_parallel=8))
    92
    """
    sheet = GPUS[gpu]
    built = (cost or RooflineConfig()).build(sheet, MODELS[model], tensor_parallel)
    held = tokens * context_tokens
    if part == "power":
        share = power_shares(built, np.array([tokens]), np.array([float(held)]), np.zeros(1))
        return sheet.idle_w + (sheet.tdp_w - sheet.idle_w) * float(share[0])
    if part == "linear":
        seconds = built.linear(tokens)
    elif part == "prefill":
        seconds = built.iteration(tokens, 0, tokens * tokens, 1, 1)
    else:
        seconds = built.iteration(tokens, held, 0, tokens, 0)
    return seconds * 1e3


@cache
def published() -> tuple[Measurement, ...]:
    """All rows of published.yaml."""
    text = Path(__file__).with_name("published.yaml").read_text(encoding="utf-8")
    return tuple(
        Measurement(
            gpu=group["gpu"],
            model=group["model"],
            tensor_parallel=group.get("tensor_parallel", 1),
            part=table["part"],
            tokens=tokens,
            context_tokens=table.get("context_tokens", 0),
            measured=value,
            source=table["source"],
        )
        for table in yaml.safe_load(text)
        for group in table["groups"]
        for tokens, value in group["measured"].items()
    )
