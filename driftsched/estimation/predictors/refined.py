"""A predictor that looks again while an answer is decoded, and errs less each time."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.core.config import MOST
from driftsched.estimation.predictors.base import Floats, PredictorSpec, Refinement, Seen
from driftsched.estimation.predictors.noisy_oracle import NoisyOracleConfig

if TYPE_CHECKING:
    import numpy as np

__all__ = ["RefinedConfig", "refined_length"]


class RefinedConfig(PredictorSpec):
    """Rule: base as the noisy oracle's; after every `every_tokens` what is left, anew, by `kept`.

    At the n-th look ln(predicted / true) of what is left then is keptⁿ times what it was of the
    whole estimate, corrections and factors included: see `refined_length`. No draw is made again.
    """

    label = "Refined while decoding"
    rule = "the noisy oracle's, and what is left predicted anew as the answer grows"
    source = (
        "TRAIL (arXiv 2410.01035), predictions refined by decoding; ELIS (arXiv 2505.09142), every "
        "50 tokens"
    )
    foresight = True

    kind: Literal["refined"] = "refined"
    sigma: float = Field(
        0.8, ge=0, le=5, description="standard deviation of ln(predicted / true) at first"
    )
    every_tokens: int = Field(
        50, ge=1, le=MOST, description="output tokens between two looks at an answer"
    )
    kept: float = Field(
        0.95, gt=0, le=1, description="share of ln(predicted / true) that a look leaves"
    )

    @property
    def refinement(self) -> Refinement:
        return Refinement(self.every_tokens, self.kept)

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        return NoisyOracleConfig(sigma=self.sigma).typical(seen, rng)


def refined_length(
    estimate: int, length: int, output_tokens: int, given: int, every_tokens: int, kept: float
) -> int:
    """Whole length as predicted at the last look at an answer under way.

    Pure and scalar, for both engines.

    Parameters
    ----------
    estimate, length : int
        As estimated at admission, and true; in the estimator's unit.
    output_tokens, given : int
        True length and what has been given so far, in tokens.
    every_tokens, kept
        See `Refinement`.

    Examples
    --------
    >>> [refined_length(400, 200, 200, given, 50, 0.5) for given in (0, 49, 50, 100, 150)]
    [400, 400, 262, 218, 204]
    """
    looks = given // every_tokens
    if looks == 0:
        return estimate
    done = length * (looks * every_tokens / output_tokens)
    off = log(max(estimate, 1) / length) * exp(looks * log(kept))
    return int(done + (length - done) * exp(off))
