"""Short, long or unknown: what a router is told of an answer's length."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from driftsched.core.config import MOST
from driftsched.estimation.predictors.base import Floats, PredictorSpec, Seen

__all__ = ["LengthBucketsConfig"]


class LengthBucketsConfig(PredictorSpec):
    """Rule: one length for each of three buckets; an answer's bucket is named rightly or not."""

    label = "Length buckets"
    rule = "one of three lengths: short, long, or unknown"
    source = "llm-d's router: 100, 4096 and 1000 tokens"
    foresight = True

    kind: Literal["length_buckets"] = "length_buckets"
    short: float = Field(100.0, ge=1, le=MOST, description="length where the answer is named short")
    unknown: float = Field(1000.0, ge=1, le=MOST, description="length where its bucket is unknown")
    long: float = Field(4096.0, ge=1, le=MOST, description="length where the answer is named long")
    edge: float = Field(640.0, ge=1, le=MOST, description="longest answer that is a short one")
    accuracy: float = Field(
        0.8, ge=0, le=1, description="share named rightly of those whose bucket is named"
    )
    unknown_share: float = Field(0.2, ge=0, le=1, description="share whose bucket is unknown")

    def typical(self, seen: Seen, rng: np.random.Generator) -> Floats:
        unknown, right = rng.random((2, len(seen.answer)))
        named_long = (seen.answer > self.edge) == (right < self.accuracy)
        named = np.where(named_long, self.long, self.short)
        return np.where(unknown < self.unknown_share, self.unknown, named)
