"""A proxy model that names one of five classes of length, as often rightly as a published one."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

__all__ = ["BucketClassifierConfig"]

PUBLISHED = np.array(
    [
        [0.80, 0.15, 0.03, 0.02, 0.00],
        [0.16, 0.57, 0.19, 0.08, 0.01],
        [0.03, 0.22, 0.46, 0.28, 0.02],
        [0.01, 0.07, 0.26, 0.59, 0.07],
        [0.02, 0.05, 0.16, 0.53, 0.24],
    ]
)
"""Share of the answers of each true class (a row) that are named each class."""


class BucketClassifierConfig(PredictorSpec):
    """Rule: an answer's class is named by the confusion matrix; base = the middle of that class.

    The middle of a class is the geometric mean of its edges, at the ends half a step further out.
    With an accuracy, so many of each class are named rightly, and the others fall as published.
    """

    label = "Bucket classifier"
    rule = "the middle of one of five classes of length, named as a small language model does"
    source = "Qiu et al. (arXiv 2404.08509): BERT on LMSYS chats; Jin et al. (arXiv 2306.06000)"
    foresight = True

    kind: Literal["bucket_classifier"] = "bucket_classifier"
    edges: tuple[float, ...] = Field(
        (41.0, 140.0, 294.0, 502.0),
        min_length=4,
        max_length=4,
        description="longest answers of all classes but the last",
    )
    accuracy: float | None = Field(
        None, ge=0, le=1, description="share of each class named rightly; else the published ones"
    )

    @field_validator("edges")
    @classmethod
    def _ascend(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if edges[0] < 1 or any(one >= other for one, other in pairwise(edges)):
            raise ValueError(f"must be >= 1 and ascend, got {', '.join(map('{:g}'.format, edges))}")
        return edges

    @property
    def confusion(self) -> Floats:
        """Share of each true class (a row) that is named each class, shape (5, 5)."""
        matrix: Floats = PUBLISHED / PUBLISHED.sum(axis=1, keepdims=True)
        if self.accuracy is not None:
            right = np.eye(len(matrix))
            wrong = matrix * (1 - right)
            wrong /= wrong.sum(axis=1, keepdims=True)
            matrix = self.accuracy * right + (1 - self.accuracy) * wrong
        return matrix

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        edges = np.log(self.edges)
        steps = np.diff(edges) / 2
        middles = np.r_[edges[0] - steps[0], edges[:-1] + steps, edges[-1] + steps[-1]]
        true = np.searchsorted(edges, np.log(seen.answer), side="left")
        bounds = self.confusion.cumsum(axis=1)[true, :-1]
        named = (rng.random((len(true), 1)) >= bounds).sum(axis=1)
        predicted: Floats = np.exp(middles[named])
        return predicted
