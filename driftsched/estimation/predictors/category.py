"""The paper's predictor: every answer of a category has its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

if TYPE_CHECKING:
    import numpy as np


__all__ = ["CategoryConfig"]


class CategoryConfig(PredictorSpec):
    """Rule: base = the category's budget."""

    label = "Category"
    rule = "the budget of the category, as classified"
    source = "DriftSched (arXiv 2606.02982), token budget estimation"

    kind: Literal["category"] = "category"

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        return seen.base
