"""A parameter of a sweep and the values that it takes, listed or drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from driftsched.core.errors import InputError
from driftsched.scenario import Scenario, with_burstiness, with_length_step, with_load
from driftsched.scenario.messages import shown
from driftsched.scenario.yaml_text import read_yaml

__all__ = ["MOST_POINTS", "WHAT_IF", "Parameter"]

WHAT_IF: dict[str, Callable[[Scenario, float], Scenario]] = {
    "load": with_load,
    "burstiness": with_burstiness,
    "length_step": with_length_step,
}
"""Parameters that are no field of a scenario, and what makes them of it; each is above 0."""
NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?\d+)?)"
RANGE = re.compile(rf"\s*{NUMBER}:{NUMBER}(?::(\d+))?(:log)?\s*")
MOST_POINTS = 100_000


class Parameter(NamedTuple):
    """A field of the scenario, ``policy``, or one of `WHAT_IF`, and the values that it takes.

    Attributes
    ----------
    name : str
        Dotted, list items by number, as ``--set`` has it.
    values : tuple
        What is listed; empty for a range, whose values are drawn.
    low, high : float
        Ends of the range, where there is one.
    whole, log : bool
        Whether it has whole numbers only, and is even in the logarithm.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @classmethod
    def parse(cls, text: str, data: Mapping[str, Any] | None = None) -> Parameter:
        """Read ``policy=fifo,sjf``, ``load=0.5:1.2:8`` (so many even steps) or ``load=0.5:1.2``.

        ``:log`` behind a range makes it even in the logarithm. Of a field that has a whole number
        in `data`, the scenario, it gives whole numbers; of one that is not there where both ends
        are written without a point.

        Raises
        ------
        InputError
            One line that names the parameter.
        """
        name, found, written = text.partition("=")
        name = name.strip()
        if not found or not all(name.split(".")):
            raise InputError(f"a parameter must be name=values, got {shown(text)}")
        if (match := RANGE.fullmatch(written)) is not None:
            return cls._range(name, _kind(name, data or {}), *match.groups())
        values = read_yaml(f"[{written}]", f"values of {shown(name)}")
        if not isinstance(values, list) or not values:
            raise InputError(f"{shown(name)} must have values, got none")
        return cls(name, tuple(values))

    @classmethod
    def _range(
        cls, name: str, kind: type, start: str, end: str, steps: str | None, log: str | None
    ) -> Parameter:
        try:
            low, high = float(start), float(end)
        except ValueError:
            raise InputError(f"{name} must be a range, got {start}:{end}") from None
        whole = kind is int or (kind is type(None) and not re.search("[.eE]", start + end))
        if not low < high or (log and low <= 0):
            rule = "have ends above 0, the lower first," if log else "have its lower end first,"
            raise InputError(f"{name} must {rule} got {start}:{end}")
        found = cls(name, (), low, high, whole, bool(log))
        if steps is None:
            return found
        if not 2 <= int(steps) <= MOST_POINTS:
            raise InputError(f"{name} must have at least 2 steps, got {steps}")
        even = found.between(np.linspace(0, 1, int(steps)))
        return found._replace(values=tuple(dict.fromkeys(even)))

    def between(self, shares: Sequence[float] | np.ndarray[Any, Any]) -> list[Any]:
        """Values at these shares, 0 to 1, of the way from the low end to the high one."""
        at = np.asarray(shares, dtype=np.float64)
        low, high = (np.log([self.low, self.high])) if self.log else (self.low, self.high)
        values = low + at * (high - low)
        values = np.exp(values) if self.log else values
        return [round(v) if self.whole else float(f"{v:.6g}") for v in values.tolist()]

    def drawn(self, shares: np.ndarray[Any, Any]) -> list[Any]:
        """Values at uniform draws from [0, 1): of a list, or of whole numbers, each as likely."""
        if self.values:
            return [self.values[int(share * len(self.values))] for share in shares]
        if self.whole and not self.log:
            return [int(self.low + int(s * (self.high - self.low + 1))) for s in shares]
        return self.between(shares)


def _kind(name: str, data: Mapping[str, Any]) -> type:
    """Type of what a field holds; of `WHAT_IF` float, of what is not there None's."""
    if name in WHAT_IF:
        return float
    node: Any = data
    for part in name.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            node = node.get(part) if isinstance(node, dict) else None
    return type(node)
