"""The parts of the Paper page."""

from driftsched.studio.paper.claims import assumptions, claims
from driftsched.studio.paper.switches import Choice, switches

__all__ = ["Choice", "assumptions", "claims", "switches"]
