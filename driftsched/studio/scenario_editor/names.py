"""Names and shares that hang together: renames followed, removals closed, sums made 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

REFERENCES = {
    "tenants": "tenants",
    "tenant": "tenants",
    "tenant_arrivals": "tenants",
    "shares": "tenants",
    "categories": "categories",
    "category": "categories",
    "mix": "categories",
    "phase": "phases",
    "gpu": "own_gpus",
    "model": "own_models",
}
"""Field that names something of the same scenario → where that stands."""
DIGITS = 6


def names_of(items: Any) -> list[str]:
    """Names in a list of named items, or in a mapping by name."""
    if isinstance(items, Mapping):
        return [str(name) for name in items]
    return [str(item.get("name")) for item in items or ()]


def new_name(stem: str, taken: Sequence[str]) -> str:
    """The first of ``stem``, ``stem-2``, ``stem-3`` … that is free."""
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


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


def follow(data: Any, what: str, before: Sequence[str], after: Sequence[str]) -> None:
    """Carry renamed and removed names over to every field of `data` that holds them, in place.

    `what` is where the names stand, a value of `REFERENCES`. As many names after as before are
    renames, else names have come or gone.

    Examples
    --------
    >>> data = {"phases": [{"mix": {"a": 0.5, "b": 0.5}}], "drift": [{"categories": ["a"]}]}
    >>> follow(data, "categories", ["a", "b"], ["c", "b"])
    >>> data
    {'phases': [{'mix': {'c': 0.5, 'b': 0.5}}], 'drift': [{'categories': ['c']}]}
    """
    if list(before) == list(after):
        return
    new = dict(zip(before, after, strict=True)) if len(before) == len(after) else {}
    for name, value in data.items() if isinstance(data, dict) else ():
        if REFERENCES.get(name) == what:
            data[name] = _followed(value, new, before, after)
    for part in data.values() if isinstance(data, dict) else data:
        if isinstance(part, dict | list):
            follow(part, what, before, after)


def _followed(
    value: Any, new: Mapping[str, str], before: Sequence[str], after: Sequence[str]
) -> Any:
    """A name, a list of names, or a mapping by names, with the names of now."""
    if isinstance(value, str):
        name = new.get(value, value)
        return name if name in after or value not in before else None
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return [name for name in (new.get(old, old) for old in value) if name in after]
    if not isinstance(value, dict):
        return value
    kept = {new.get(old, old): part for old, part in value.items()}
    kept = {name: part for name, part in kept.items() if name in after}
    shares = all(isinstance(part, int | float) for part in kept.values())
    return (normalised(kept) if shares and len(kept) < len(value) else kept) or None
