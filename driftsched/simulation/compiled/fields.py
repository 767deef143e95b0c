"""Fields of the records that mechanisms read and write, derived from what they declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from driftsched.core.arrays import Array
from driftsched.core.mechanism import Fields, Mechanism
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.scheduling.policies import POLICIES, TenantPolicy
from driftsched.scheduling.routers import ROUTERS

Declared = list[tuple[str, str, tuple[int, ...]]]


def covered(registry: Mapping[str, type[Any]]) -> list[type[Any]]:
    """Registered mechanisms that the compiled engine has; a mechanism's place is its number."""
    return [kind for kind in registry.values() if not kind.simpy_only]


def _declared(states: Iterable[Fields], own: Sequence[str] = ()) -> Declared:
    """One field for each name that a mechanism declares; only one mechanism's are in use.

    Raises
    ------
    ValueError
        A name is one of the kernel's `own`, or stands for rows of several lengths.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for state in states:
        for name, first in state.items():
            shape = np.shape(first)
            if name in own:
                raise ValueError(f"state must not have a field of the kernel's own, got {name}")
            if shapes.setdefault(name, shape) != shape:
                raise ValueError(f"{name} must be as long in all states, got {shape}")
    return [(name, "f8", shape) for name, shape in shapes.items()]


def _parameter_names(kind: type[Mechanism]) -> list[str]:
    """Names of a mechanism's parameters."""
    return [name for name in kind.model_fields if name != "kind"]


TENANT_POLICIES = [kind for kind in covered(POLICIES) if issubclass(kind, TenantPolicy)]
TENANT_STATE = _declared(
    (kind.tenant_state for kind in TENANT_POLICIES),
    ("head", "tail", "size", "listed", "held", "held_first", "number", "weight", "rank"),
)
QUEUE_STATE = _declared(
    (kind.queue_state for kind in TENANT_POLICIES),
    ("size", "waiting", "last", "tenants", "listed", "least"),
)
COMPENSATION = np.dtype(
    _declared([*(kind.state for kind in covered(COMPENSATORS)), {"unused": 0}]), align=True
)
"""One a state of the compensator."""
DETECTION = np.dtype(
    _declared([*(kind.state for kind in covered(DETECTORS)), {"unused": 0}]), align=True
)
"""One a state of the detector."""
PARAMETERS = np.dtype(
    [
        (name, "f8")
        for name in dict.fromkeys(
            name
            for registry in (POLICIES, COMPENSATORS, DETECTORS, ROUTERS)
            for kind in covered(registry)
            for name in _parameter_names(kind)
        )
    ]
)
"""The parameters of a mechanism."""


def no_number(spec: Mechanism) -> str:
    """Name of a parameter that is neither a number nor a truth value; empty where all are."""
    values = {name: getattr(spec, name) for name in _parameter_names(type(spec))}
    return next((name for name, value in values.items() if not isinstance(value, int | float)), "")


def parameters_of(spec: Mechanism) -> Array:
    """A mechanism's parameters as a record."""
    record = np.zeros(1, PARAMETERS)
    for name in _parameter_names(type(spec)):
        record[name] = getattr(spec, name)
    return record


def compensation(state: Fields, categories: int, tenants: int) -> Array:
    """States of a compensator before anything was learnt; see `levels` of `mechanisms`.

    Behind them is one that stays as it is.
    """
    states = np.zeros((1 + tenants) * (1 + categories) + 1, COMPENSATION)
    fill(states, state)
    return states


def detection(state: Fields, categories: int) -> Array:
    """States of a detector before anything was seen, one a category, and one that stays so."""
    states = np.zeros(categories + 1, DETECTION)
    fill(states, state)
    return states


def fill(records: Array, values: Fields) -> None:
    """Write first values into all of some records."""
    for name, value in values.items():
        records[name] = value
