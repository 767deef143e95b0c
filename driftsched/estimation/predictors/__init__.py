"""Predicted lengths before correction. A new predictor is one module here and one line below."""

from typing import TYPE_CHECKING

from driftsched.core.config import by_kind
from driftsched.core.registry import Registry
from driftsched.estimation.predictors.base import PredictorSpec, Seen

__all__ = ["PREDICTORS", "PredictorConfig", "PredictorSpec", "Seen"]

PREDICTORS: Registry[type[PredictorSpec]] = Registry("predictor", __name__)
PREDICTORS.add("category", "category:CategoryConfig")
PREDICTORS.add("prompt_regression", "prompt_regression:PromptRegressionConfig")
PREDICTORS.add("column", "column:ColumnConfig")
PREDICTORS.add("length_buckets", "length_buckets:LengthBucketsConfig")
PREDICTORS.add("bucket_classifier", "bucket_classifier:BucketClassifierConfig")
PREDICTORS.add("noisy_oracle", "noisy_oracle:NoisyOracleConfig")
PREDICTORS.add("refined", "refined:RefinedConfig")

if TYPE_CHECKING:
    PredictorConfig = PredictorSpec
else:
    PredictorConfig = by_kind(PREDICTORS)
