"""The common base of the engines' parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.core.config import Config

if TYPE_CHECKING:
    from driftsched.live.engine import Engine

__all__ = ["EngineSpec", "PriorityOrder"]

PriorityOrder = Literal["lower_first", "higher_first"]


class EngineSpec(Config):
    """Parameters of one kind of engine; subclasses define `build`."""

    kind: str

    @property
    def priority_order(self) -> PriorityOrder | None:
        """Which priority the engine's own queue serves first; None where it takes none."""
        return None

    def build(self) -> Engine:
        """Return the engine, not yet opened.

        Raises
        ------
        InputError
            A parameter that the server's configuration does not allow.
        RunError
            A library that is not installed, by name.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it
