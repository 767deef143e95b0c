"""Longer prompts, longer answers: a power law around the category's budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from driftsched.core.config import MOST
from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


__all__ = ["PromptRegressionConfig"]


class PromptRegressionConfig(PredictorSpec):
    """Rule: base = the category's budget · (prompt / centre)^slope.

    >>> prompt = np.array([10, 40, 160])
    >>> PromptRegressionConfig.fitted(np.full(3, 100), prompt, 50 * np.sqrt(prompt))
    PromptRegressionConfig(kind='prompt_regression', slope=0.5, centre=40.0)
    """

    label = "Prompt length"
    rule = "the category's budget, more for prompts that are longer than usual"
    source = "least squares of ln length on ln prompt"

    kind: Literal["prompt_regression"] = "prompt_regression"
    slope: float = Field(
        0.25, ge=-3, le=3, description="power of the prompt's length that an answer grows with"
    )
    centre: float = Field(
        150.0, gt=0, le=MOST, description="length of a prompt whose answer has the budget"
    )

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        predicted: Floats = seen.base * (seen.prompt / self.centre) ** self.slope
        return predicted

    @classmethod
    def fitted(
        cls, base: ArrayLike, prompt: ArrayLike, answer: ArrayLike
    ) -> PromptRegressionConfig:
        """Fit slope and centre by least squares to requests that were answered before.

        The centre is the geometric mean of their prompts: what all answers have in common is left
        to the compensator.
        """
        x, y = np.log(np.maximum(prompt, 1)), np.log(np.maximum(answer, 1) / np.asarray(base))
        apart = x - x.mean()
        square = float(apart @ apart)
        slope = float(apart @ y) / square if square > 0 else 0.0
        return cls(slope=round(min(max(slope, -3), 3), 6), centre=round(float(np.exp(x.mean())), 6))
