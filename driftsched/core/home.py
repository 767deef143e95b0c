"""Where this program keeps what it is given: saved runs, live journals, uploaded traffic."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["STORED_TRACE", "home", "trace_folder", "trace_path"]

STORED_TRACE = re.compile(r"[0-9a-f]{64}\.(?:csv|jsonl|json)(?:\.gz)?")
"""Name of an uploaded traffic file: the hash of its content."""


def home() -> Path:
    """``DRIFTSCHED_HOME``, or ``~/.driftsched`` where it is not set."""
    return Path(os.environ.get("DRIFTSCHED_HOME") or "~/.driftsched").expanduser()


def trace_folder() -> Path:
    """Where uploaded traffic files lie: ``traces`` in `home`."""
    return home() / "traces"


def trace_path(named: str) -> Path:
    """Where the traffic file of this name lies: one named by its content here, any other there.

    So a scenario says what was uploaded, and not where a server keeps it.
    """
    stored = trace_folder() / named
    return stored if STORED_TRACE.fullmatch(named) and stored.is_file() else Path(named)
