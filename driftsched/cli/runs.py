"""Saved runs as arguments: a folder, or an id in the library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from driftsched.results import RunLibrary, read_run

if TYPE_CHECKING:
    from driftsched.results import RunResult

__all__ = ["load_run"]


def load_run(name: str) -> RunResult:
    """Load a run.

    Raises
    ------
    InputError
        There is no such run.
    RunError
        Its files are damaged.
    """
    folder = Path(name)
    return read_run(folder) if folder.is_dir() else RunLibrary().load(name)
