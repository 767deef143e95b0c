"""One task of the pool and how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

__all__ = ["Job", "State"]


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One task and how far it is. Read it from any thread; only the pool changes it."""

    def __init__(self, key: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.key = key
        self.function, self.args = function, args
        self.state = State.QUEUED
        self.progress = 0.0
        self.position = 0
        self.result: Any = None
        self.error = ""
        self.started_s = 0.0
        self.owners: set[str] = set()
        self.ended = threading.Event()
        self.unwanted = threading.Event()

    @property
    def eta_s(self) -> float | None:
        """Seconds to go, from the progress so far; None while that says nothing."""
        if self.state is not State.RUNNING or self.progress < 0.02:
            return None
        spent = time.monotonic() - self.started_s
        return spent * (1 - self.progress) / self.progress

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come within `timeout_s`."""
        return self.ended.wait(timeout_s)
