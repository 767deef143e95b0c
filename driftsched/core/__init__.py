"""What everything stands on: configuration objects, mechanisms, the registry, errors."""

from driftsched.core.config import Config, by_kind
from driftsched.core.errors import DriftSchedError, InputError
from driftsched.core.mechanism import Mechanism, State
from driftsched.core.registry import Registry

__all__ = ["Config", "DriftSchedError", "InputError", "Mechanism", "Registry", "State", "by_kind"]
