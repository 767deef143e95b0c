"""What a drift detector is: it watches the errors of estimates and gives an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from driftsched.core.mechanism import Mechanism, State

if TYPE_CHECKING:
    from driftsched.core.mechanism import Fields

__all__ = ["Detector", "DetectorSpec"]


class DetectorSpec(Mechanism):
    """Parameters and function of a detector; see `Mechanism`.

    Each category, as classified, has one of its own. At an alarm it begins anew, and so does what
    the compensator knows of that category: its own state and those of its pairs with tenants.

    Attributes
    ----------
    state : dict
        Fields of a state, and what they are before anything was seen.
    """

    state: ClassVar[Fields] = {}

    @staticmethod
    def update(state: State, error: float, p: Any) -> bool:
        """Take ln(actual / estimated length) of an answer in; return whether it is an alarm.

        Changes the state alone.
        """
        raise NotImplementedError  # pragma: no cover - every registered kind defines it

    def build(self) -> Detector:
        """Return a fresh detector."""
        return Detector(self)


class Detector:
    """One category's detector, as river's: ``update(x)``, then `drift_detected`."""

    def __init__(self, spec: DetectorSpec) -> None:
        self.spec = spec
        self.drift_detected = False
        self._state = State(spec.state)

    def update(self, error: float) -> None:
        """Take ln(actual / estimated length) of an answer in; it begins anew after an alarm."""
        self.drift_detected = self.spec.update(self._state, error, self.spec)
        if self.drift_detected:
            self._state.begin(self.spec.state)
