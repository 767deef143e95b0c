"""The base of every configuration object: frozen, strict about keys, validated once."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Config"]


class Config(BaseModel):
    """A frozen value object; unknown keys are refused, infinities and NaN too."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
