"""A property that is computed once an object, as `functools.cached_property`, without its lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["lazily"]

if TYPE_CHECKING:
    from functools import cached_property as lazily
else:

    class lazily:  # noqa: N801  it is used as a decorator
        """Until Python 3.12 all objects of a class have one lock: who computes keeps all waiting.

        Two threads that ask one object at once both compute; the results are the same.
        """

        def __init__(self, make: Callable[[Any], Any]) -> None:
            self.make, self.__doc__ = make, make.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Compute, and put the value where it is found without asking here again."""
            if instance is None:
                return self
            value = vars(instance)[self.name] = self.make(instance)
            return value
