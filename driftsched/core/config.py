"""The base of every configuration object: frozen, strict about keys, validated once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["Config", "by_kind"]


class Config(BaseModel):
    """A frozen value object; unknown keys are refused, infinities and NaN too.

    ``true`` and ``false`` are no numbers, and numbers and words are no truth values, although
    Python would take them.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, data: Any) -> Any:
        for name, value in data.items() if isinstance(data, Mapping) else ():
            field = cls.model_fields.get(name)
            if field is None:
                continue
            if (field.annotation is bool) != isinstance(value, bool):
                rule = "true or false" if field.annotation is bool else _expected(field.annotation)
                raise PydanticCustomError(
                    "truth", "must be {rule}", {"field": name, "rule": rule, "value": value}
                )
            if isinstance(value, list | tuple) and any(isinstance(item, bool) for item in value):
                raise PydanticCustomError(
                    "truth",
                    "must be {rule}",
                    {"field": name, "rule": "free of true and false", "value": value},
                )
        return data


def _expected(annotation: Any) -> str:
    if annotation in (int, int | None):
        return "a whole number"
    if annotation in (float, float | None):
        return "a number"
    return "text" if annotation is str else "no true or false"


def by_kind(kinds: Mapping[str, type[BaseModel]]) -> Any:
    """Type of a field that takes any of the registered kinds, told apart by their ``kind``."""
    return Annotated[Union[tuple(kinds.values())], Field(discriminator="kind")]
