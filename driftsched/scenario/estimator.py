"""The estimator: category, prediction, token budget, size class, and how it is corrected."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from driftsched.core.config import MOST, Config
from driftsched.estimation.classifier import ClassifierConfig, Keyword
from driftsched.estimation.compensators import CompensatorConfig
from driftsched.estimation.compensators.ema import EmaConfig
from driftsched.estimation.detectors import DetectorConfig
from driftsched.estimation.detectors.none import NoDetectorConfig
from driftsched.estimation.predictors import PredictorConfig
from driftsched.estimation.predictors.category import CategoryConfig

__all__ = ["Estimator", "InputFactor", "SizeClasses"]


class InputFactor(Config):
    """min(cap, 1 + input length / scale) [paper's program]."""

    cap: float = Field(1.5, ge=1, le=100)
    scale: float = Field(1000.0, gt=0)


class SizeClasses(Config):
    """Upper bounds of the total token budget for short and medium; above is long."""

    short: int = Field(128, ge=1, le=MOST)
    medium: int = Field(512, ge=1, le=MOST)

    @model_validator(mode="after")
    def _ordered(self) -> SizeClasses:
        if self.medium <= self.short:
            raise ValueError(f"medium must be > short ({self.short}), got {self.medium}")
        return self


class Estimator(Config):
    """Category → token budget → size class, and how the budget is corrected at run time."""

    classifier: ClassifierConfig = Keyword()
    unit: Literal["words", "tokens"] = Field("words", description="what lengths are counted in")
    predictor: PredictorConfig = Field(
        CategoryConfig(), description="how long an answer is taken to be, before it is corrected"
    )
    compensator: CompensatorConfig = EmaConfig()
    detector: DetectorConfig = Field(
        NoDetectorConfig(), description="at whose alarm a category's compensation begins anew"
    )
    censoring: bool = Field(
        False,
        description="an answer cut at its maximum is taken as at least so long: it teaches only "
        "where it was longer than estimated, and estimates end at the maximum; in tokens",
    )
    input_factor: InputFactor = InputFactor()
    size_classes: SizeClasses = SizeClasses()

    @model_validator(mode="after")
    def _limits_are_in_tokens(self) -> Estimator:
        if self.censoring and self.unit != "tokens":
            raise ValueError(
                f"censoring needs the unit tokens, in which answers have a maximum, got {self.unit}"
            )
        return self
