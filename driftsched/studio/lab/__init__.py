"""The parts of the Drift lab page."""

from driftsched.studio.lab.stream import controls, stream
from driftsched.studio.lab.worth import better

__all__ = ["better", "controls", "stream"]
