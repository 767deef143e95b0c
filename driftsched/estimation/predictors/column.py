"""Predictions that came with recorded traffic: whatever model made them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from driftsched.core.errors import ScenarioError
from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

__all__ = ["ColumnConfig"]


class ColumnConfig(PredictorSpec):
    """Rule: base = the trace's predicted tokens; the category's budget in rows without any.

    Tokens become words, where the estimator counts those, by the category's mean ratio.
    """

    label = "Trace's column"
    rule = "what a column of the trace predicts; the category's budget in rows without"
    source = "whoever made the trace"

    kind: Literal["column"] = "column"

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        if seen.told is None:
            raise ScenarioError(
                "estimator.predictor must not be column where traffic has no predictions: a trace "
                "whose file has a column predicted_tokens, or names one in "
                "trace.columns.predicted_tokens, got none"
            )
        return np.where(np.isnan(seen.told), seen.base, seen.told)
