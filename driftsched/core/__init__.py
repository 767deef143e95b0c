"""What everything stands on: configuration objects, errors, the registry."""

from driftsched.core.config import Config, by_kind
from driftsched.core.errors import DriftSchedError, InputError
from driftsched.core.registry import Registry

__all__ = ["Config", "DriftSchedError", "InputError", "Registry", "by_kind"]
