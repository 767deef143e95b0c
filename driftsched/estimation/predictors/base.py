"""What a predictor is: it says, before any correction, how long an answer typically is."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftsched.core.mechanism import Mechanism

__all__ = ["Floats", "PredictorSpec", "Refinement", "Seen"]

Floats = NDArray[np.float64]


class Seen(NamedTuple):
    """Requests as a predictor sees them; float arrays (n,) in the estimator's unit, at least 1.

    Attributes
    ----------
    base : budget of the category as classified
    prompt : length of the prompt
    answer : actual length of the answer; only who has `foresight` may look
    told : length that recorded traffic says was predicted, NaN where a row does not; None where
        traffic tells none
    """

    base: Floats
    prompt: Floats
    answer: Floats
    told: Floats | None = None


class Refinement(NamedTuple):
    """How often a running answer is predicted anew: every so many tokens; 0 is never.

    `kept` is the share of the error that a look leaves; see `refined_length`.
    """

    every_tokens: int
    kept: float


class PredictorSpec(Mechanism):
    """Parameters of a predictor, and its function, for a whole table before the run begins.

    So neither engine knows of it: both find its predictions in the budgets, but for its refinement.

    Attributes
    ----------
    foresight : bool
        Whether it looks at the answers: it stands for a predictor of a certain quality, and is none
        that could be deployed.
    """

    foresight: ClassVar[bool] = False

    @property
    def refinement(self) -> Refinement:
        """How answers are predicted anew while they are decoded."""
        return Refinement(0, 1.0)

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        """Predict each answer's typical length, shape (n,); the caller makes it whole, at least 1.

        `rng` is the predictor's own, so that no other draw changes with it.

        Raises
        ------
        ScenarioError
            The traffic does not tell what it predicts from.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it
