"""What several parts of a scenario share: names, bounds, checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

__all__ = ["MOST", "Name", "Word", "check_sum", "check_unique"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
Word = Annotated[str, Field(min_length=1, max_length=100)]
SHARE_TOLERANCE = 1e-3
MOST = 1_000_000_000
"""The largest count that makes sense."""


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
