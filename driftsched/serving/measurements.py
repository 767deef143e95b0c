"""The data-sheet model beside published measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.serving.cost import RooflineConfig

__all__ = ["Measurement", "predicted_ms", "published"]


@dataclass(frozen=True)
class Measurement:
    """One measured iteration.

    Attributes
    ----------
    part : str
        linear (kernels of the linear layers alone), prefill (a whole step for one prompt) or
        decode (a whole step for requests that each get a token).
    tokens : int
        Tokens in the iteration.
    context_tokens : int
        Tokens of each decoding request in the cache.
    ms : float
        What was measured.
    """

    gpu: str
    model: str
    tensor_parallel: int
    part: str
    tokens: int
    context_tokens: int
    ms: float
    source: str


def predicted_ms(
    gpu: str,
    model: str,
    part: str,
    tokens: int,
    *,
    tensor_parallel: int = 1,
    context_tokens: int = 0,
    cost: RooflineConfig | None = None,
) -> float:
    """Milliseconds that the model says for an iteration, by default with the studio's defaults.

    Parameters
    ----------
    gpu, model : str
        Names of the catalogue.
    part : str
        linear (the linear layers alone), prefill (of one prompt) or decode.
    tokens : int
        Tokens of the prompt or the layers; of decode, requests.
    tensor_parallel : int
        GPUs that share the model.
    context_tokens : int
        Of decode: tokens of KV cache a request.
    cost : RooflineConfig, optional
        Other efficiencies.

    Examples
    --------
    >>> round(predicted_ms("A100-80", "llama-3-8b", "linear", 2048))
    147
    >>> round(predicted_ms("A100-80", "llama-2-70b", "prefill", 512, tensor_parallel=8))
    91
    """
    built = (cost or RooflineConfig()).build(GPUS[gpu], MODELS[model], tensor_parallel)
    if part == "linear":
        seconds = built.linear(tokens)
    elif part == "prefill":
        seconds = built.iteration(tokens, 0, tokens * tokens, 1, 1)
    else:
        seconds = built.iteration(tokens, tokens * context_tokens, 0, tokens, 0)
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
            ms=ms,
            source=table["source"],
        )
        for table in yaml.safe_load(text)
        for group in table["groups"]
        for tokens, ms in group["ms"].items()
    )
