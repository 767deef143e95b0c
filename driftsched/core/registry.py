"""One small registry for everything that is chosen by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar, cast

from driftsched.core.errors import UnknownNameError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names and what they stand for, in the order of registration.

    Parameters
    ----------
    what : str
        The singular noun used in error messages, for example ``"policy"``.

    package : str
        Where entries given as text, ``"module:Class"``, are found.

    Examples
    --------
    >>> numbers = Registry[type]("kind of number")
    >>> numbers.add("whole", int)
    >>> numbers.add("exact", "fractions:Fraction")
    >>> numbers["whole"], numbers["exact"].__name__
    (<class 'int'>, 'Fraction')
    """

    def __init__(self, what: str, package: str = "") -> None:
        self.what = what
        self._package = package
        self._entries: dict[str, T | str] = {}

    def add(self, name: str, entry: T | str) -> None:
        """Register `entry`, or the place where it is found, under `name`.

        A name that is taken already raises ``ValueError``.
        """
        if name in self._entries:
            raise ValueError(f"{self.what} {name!r} is registered twice")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        try:
            entry = self._entries[name]
        except KeyError:
            close = difflib.get_close_matches(str(name), self._entries, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            known = ", ".join(self._entries)
            raise UnknownNameError(
                f"{self.what} must be one of {known}, got {name!r}{hint}"
            ) from None
        if isinstance(entry, str):
            module, _, wanted = entry.partition(":")
            path = f"{self._package}.{module}" if self._package else module
            entry = self._entries[name] = cast("T", getattr(import_module(path), wanted))
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    # Mapping's own waits for a KeyError, and takes a default of any type.
    def get(self, name: str, default: T | None = None) -> T | None:  # type: ignore[override]
        """Return the entry, or `default` where the name is not known."""
        return self[name] if name in self._entries else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
