"""What a mechanism is: a policy, compensator or router, written once for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from driftsched.core.config import Config

__all__ = ["Fields", "Mechanism", "State"]

Fields = Mapping[str, float | tuple[float, ...]]
"""Fields of a state and their first values: a number, or a row of numbers of fixed length."""


class State:
    """The record that a mechanism may change: one a tenant, a queue, a key.

    Its fields are those that the mechanism declares, and no others. The compiled engine keeps them
    as floating-point numbers in a row of an array.

    >>> counter = State({"served": 0, "last": (0, 0)})
    >>> counter.served += 5
    >>> counter.last[1] = 5
    >>> counter.served, counter.last
    (5, [0, 5])
    """

    def __init__(self, fields: Fields) -> None:
        self.begin(fields)

    def begin(self, fields: Fields) -> None:
        """Take the first values."""
        for name, first in fields.items():
            self.__dict__[name] = [*first] if isinstance(first, tuple) else first

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> float: ...

    def __setattr__(self, name: str, value: float) -> None:
        if name not in self.__dict__:
            declared = ", ".join(self.__dict__)
            raise AttributeError(
                f"state must be one of the fields declared, {declared}, got {name}"
            )
        self.__dict__[name] = value


class Mechanism(Config):
    """Parameters of a mechanism, each with bounds and a description, and its functions.

    The functions are static methods: pure and scalar, reading records by attribute and writing to
    `State` records alone, with no import but of `math`. ``p`` is this very object in Python and a
    record of its numbers in the compiled engine, which compiles the same functions; so parameters
    are numbers or truth values.

    Attributes
    ----------
    kind : str
        Name in YAML, on the command line and in links.
    label, rule, source : str
        What people call it; what it does, in a few words; who published it, with section.
    simpy_only : str
        Why the compiled engine does not have it; empty where it does.
    """

    label: ClassVar[str]
    rule: ClassVar[str]
    source: ClassVar[str]
    simpy_only: ClassVar[str] = ""

    kind: str
