"""One small registry for everything that is chosen by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from driftsched.core.errors import UnknownNameError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names and what they stand for, in the order of registration.

    Parameters
    ----------
    what : str
        The singular noun used in error messages, for example ``"policy"``.

    Examples
    --------
    >>> colours = Registry[str]("colour")
    >>> colours.add("red", "#f00")
    >>> colours["red"]
    '#f00'
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        """Register `entry` under `name`; a name taken already raises ``ValueError``."""
        if name in self._entries:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            close = difflib.get_close_matches(str(name), self._entries, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            known = ", ".join(self._entries)
            raise UnknownNameError(
                f"{self.what} must be one of {known}, got {name!r}{hint}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    # Mapping's own waits for a KeyError, and takes a default of any type.
    def get(self, name: str, default: T | None = None) -> T | None:  # type: ignore[override]
        """Return the entry, or `default` where the name is not known."""
        return self._entries.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
