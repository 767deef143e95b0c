"""How long the tests wait: for conditions, so that a limit costs nothing where they come true.

A limit only says when to stop hoping. All are written here, as what two quiet cores need at the
very most, times `SLOWER`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

__all__ = ["LONG_S", "SLOWER", "STEP_S", "await_true", "tries"]

SLOWER = 5
"""A machine that many times slower must pass too."""
STEP_S = 30.0 * SLOWER
"""For one step: an answer of a page, the start of a server or of a worker, a small command."""
LONG_S = 120.0 * SLOWER
"""For what may need the kernel compiled first, and for whole runs of a model."""
LOOK_S = 0.01


def tries(limit_s: float = LONG_S) -> Iterator[None]:
    """Give turns until the time is up, and at least one."""
    end = time.monotonic() + limit_s
    yield
    while time.monotonic() < end:
        yield


def await_true(what: Callable[[], bool], limit_s: float = STEP_S) -> None:
    """Look until it is true, or fail; nothing may depend on how long it takes."""
    for _ in tries(limit_s):
        if what():
            return
        time.sleep(LOOK_S)
    pytest.fail("it did not come true in time")
