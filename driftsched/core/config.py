"""The base of every configuration object: frozen, strict about keys, validated once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

__all__ = [
    "MOST",
    "NAME_PATTERN",
    "Config",
    "Name",
    "Shares",
    "Word",
    "by_kind",
    "check_sum",
    "check_unique",
]

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
SHARE_TOLERANCE = 1e-3
MOST = 1_000_000_000
"""The largest count that makes sense."""


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


def check_sum(what: str, shares: dict[str, float]) -> None:
    """Refuse shares that do not add up to 1, with what they are.

    Raises
    ------
    ValueError
        For a validator, where it becomes the field's rule.
    """
    total = sum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        parts = [f"{name} {share:g}" for name, share in shares.items()]
        more = f", and {len(parts) - 8} more" if len(parts) > 8 else ""
        listed = f" ({', '.join(parts[:8])}{more})" if parts else ""
        raise ValueError(f"{what} must add up to 1, got {total:g}{listed}")


def check_unique(what: str, names: Iterable[object]) -> None:
    """Refuse a name that stands twice.

    Raises
    ------
    ValueError
        For a validator, where it becomes the field's rule.
    """
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"{what} must be unique, got {name!r} {count} times")


def _numbers(shares: Any) -> Any:
    for name, share in shares.items() if isinstance(shares, dict) else ():
        if isinstance(share, bool):
            got = str(share).lower()
            raise ValueError(f"{name} must be a number, got {got}")  # noqa: TRY004  pydantic's
    return shares


def _add_up(shares: dict[str, float]) -> dict[str, float]:
    for name, share in shares.items():
        if share < 0:
            raise ValueError(f"{name} must be >= 0, got {share:g}")
    check_sum("shares", shares)
    return shares


Shares = Annotated[dict[str, float], BeforeValidator(_numbers), AfterValidator(_add_up)]
"""Name → share; they add up to 1."""
