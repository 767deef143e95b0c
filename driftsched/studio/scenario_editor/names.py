"""Names and shares that hang together: renames followed, removals closed, sums made 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["follow_lists", "follow_names", "new_name", "normalised"]

DIGITS = 6


def normalised(shares: Mapping[str, float | None]) -> dict[str, float]:
    """Scale shares so that they add up to 1; equal ones where nothing is to be scaled.

    Examples
    --------
    >>> normalised({"a": 3, "b": 1})
    {'a': 0.75, 'b': 0.25}
    """
    if not shares:
        return {}
    usable = {name: max(0.0, float(share or 0)) for name, share in shares.items()}
    total = sum(usable.values())
    parts = {n: (s / total if total > 0 else 1 / len(usable)) for n, s in usable.items()}
    rounded = {name: round(share, DIGITS) for name, share in parts.items()}
    largest = max(rounded, key=lambda name: rounded[name])
    rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), DIGITS)
    return rounded


def follow_names(
    phases: list[dict[str, Any]], field: str, before: Sequence[str], after: Sequence[str]
) -> None:
    """Carry renamed and removed tenants or categories over to the phases' shares, in place.

    Parameters
    ----------
    phases : list of dict
        Their `field`, "mix", "shares" or "tenant_arrivals", is changed.
    before, after : sequences of str
        Names by position. Of the same number they are renames, else names have come or gone.
    """
    if list(before) == list(after):
        return
    renamed = _renamed(before, after)
    for phase in phases:
        shares = phase.get(field)
        if not isinstance(shares, dict):
            continue
        kept = {renamed.get(str(name), str(name)): share for name, share in shares.items()}
        kept = {name: share for name, share in kept.items() if name in after}
        whole = len(kept) == len(shares) or not all(
            isinstance(v, int | float) for v in kept.values()
        )
        phase[field] = (kept if whole else normalised(kept)) or None


def follow_lists(
    items: list[dict[str, Any]], field: str, before: Sequence[str], after: Sequence[str]
) -> None:
    """Carry renamed and removed names over to lists of names, or single ones, in place."""
    if list(before) == list(after):
        return
    renamed = _renamed(before, after)
    for item in items:
        named = item.get(field)
        if isinstance(named, list):
            kept = [renamed.get(str(name), str(name)) for name in named]
            item[field] = [name for name in kept if name in after]
        elif isinstance(named, str):
            name = renamed.get(named, named)
            item[field] = name if name in after else None


def _renamed(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    return dict(zip(before, after, strict=True)) if len(before) == len(after) else {}


def new_name(stem: str, taken: Sequence[str]) -> str:
    """The first of ``stem``, ``stem-2``, ``stem-3`` … that is free."""
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name
