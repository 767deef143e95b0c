"""Tasks for the pool's tests; they run in worker processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from driftsched.core.errors import CancelledError, ScenarioError
from driftsched.results import RunResult
from driftsched.simulation import simulate
from tests.support.patience import LONG_S, LOOK_S, tries
from tests.support.scenarios import small

Progress = Callable[[float], None]


def double(x: int, *, progress: Progress) -> int:
    print("a print must not break the protocol")  # noqa: T201  the case itself
    return 2 * x


def zeros(n: int, *, progress: Progress) -> np.ndarray:
    return np.zeros(n)


def table(n: int, *, progress: Progress) -> pd.DataFrame:
    """Columns as results have them; the strings are Arrow's."""
    name = pd.Series(["a", "last"], dtype="str").repeat([n - 1, 1]).array
    return pd.DataFrame({"x": np.arange(n, dtype=float), "name": name, "empty": np.nan})


def niceness(number: int, *, progress: Progress) -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def modules(*, progress: Progress) -> list[str]:
    return sorted(sys.modules)


def count(folder: str, *, progress: Progress) -> int:
    """Leave one file a call; so the calls can be counted from outside."""
    (Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return len(list(Path(folder).iterdir()))


def until_file(path: str, number: int = 0, *, progress: Progress) -> str:
    """Report half the way, then go on until the file exists."""
    for _ in tries(LONG_S):
        if Path(path).exists():
            break
        progress(0.5)
        time.sleep(LOOK_S)
    return "went on"


def deaf(path: str, *, progress: Progress) -> str:
    """Never look at progress: only ending the process stops it."""
    Path(path).touch()
    for _ in tries(LONG_S):
        time.sleep(LOOK_S)
    return "came to its end"


def hog(*, progress: Progress) -> int:
    """Take more memory than any task may have."""
    return int(np.ones(10**9).sum())


def refuse(*, progress: Progress) -> None:
    raise ScenarioError("seed must be >= 0, got -1")


def crash(*, progress: Progress) -> None:
    raise ZeroDivisionError("nothing to divide by")


def die(*, progress: Progress) -> None:
    os._exit(3)


def grow(path: str, *, progress: Callable[..., None]) -> RunResult:
    """Hand over a growing number until the file exists or the task is stopped; a real run's end."""
    step = 0
    with suppress(CancelledError):
        for _ in tries(LONG_S):
            if Path(path).exists():
                break
            step += 1
            progress(0.25, step)
            time.sleep(LOOK_S)
    return simulate(small(seed=step), engine="simpy")  # the other takes longer to load


def refuse_live(_: str, *, progress: Progress) -> None:
    refuse(progress=progress)


def die_live(_: str, *, progress: Progress) -> None:
    die(progress=progress)
