"""Traffic files that users upload: stored by content, and the only files a browser may name."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from driftsched.core.errors import RunError, ScenarioError, TraceError
from driftsched.core.home import STORED_TRACE, trace_folder
from driftsched.results.files import io_errors, write_file
from driftsched.scenario import Scenario
from driftsched.workload import look_at_trace
from driftsched.workload.traces.textfile import size_of

MAX_UPLOAD_MB = 50
MAX_FOLDER_MB = 2000
MB = 1_000_000
MAX_UNPACKED_MB = 250
MAX_UPLOAD_ROWS = 5_000_000


def store_trace(data: bytes) -> str:
    """Keep an uploaded traffic file under the hash of its content, and return that name.

    CSV, JSON lines or JSON, plain or gzip: 50 MB at most, 250 MB unpacked, 5 million rows. Raises
    ``TraceError`` where it is empty, no text or too large, or no room is left.
    """
    if not data:
        raise TraceError("trace must not be empty, got 0 bytes")
    if len(data) > MAX_UPLOAD_MB * MB:
        raise TraceError(f"trace must have at most {MAX_UPLOAD_MB} MB, got {len(data) / MB:.1f} MB")
    path = trace_folder() / f"{hashlib.sha256(data).hexdigest()}{_ending(data)}"
    if path.is_file():
        return path.name
    try:
        with io_errors("store it"):
            _write(path, data)
    except RunError as error:
        reason = str(error).rpartition(": ")[2]  # without the server's paths
        raise TraceError(f"trace cannot be stored on the server: {reason}") from None
    return path.name


def _ending(data: bytes) -> str:
    """File name's ending by the content, after a look at it."""
    kind = look_at_trace(io.BytesIO(data)).kind
    unpacked, rows = size_of(io.BytesIO(data), MAX_UNPACKED_MB * MB)
    if unpacked > MAX_UNPACKED_MB * MB:
        raise TraceError(
            f"trace must have at most {MAX_UNPACKED_MB} MB unpacked, got {unpacked / MB:.0f} MB"
        )
    if rows > MAX_UPLOAD_ROWS:
        raise TraceError(f"trace must have at most {MAX_UPLOAD_ROWS} rows, got {rows}")
    return f".{kind}.gz" if data.startswith(b"\x1f\x8b") else f".{kind}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = sum(
        file.stat().st_size for file in path.parent.iterdir() if STORED_TRACE.fullmatch(file.name)
    )
    if stored + len(data) > MAX_FOLDER_MB * MB:
        raise TraceError(
            f"trace files may take {MAX_FOLDER_MB} MB on the server, which are used up"
        )
    write_file(path, data)


def check_browser_scenario(scenario: Scenario) -> Scenario:
    """Return `scenario` if a browser may ask for it: its trace, if any, is an uploaded file.

    Anything else would let a visitor read files of the server, and raises ``ScenarioError``.
    """
    if scenario.trace is None:
        return scenario
    named = scenario.trace.file
    if not is_stored_trace(named):
        cut = named if len(named) <= 60 else f"{named[:57]}..."
        raise ScenarioError(
            f"trace.file must be a file uploaded on the Scenario page of this server, got {cut!r}"
        )
    return scenario


def is_stored_trace(named: str) -> bool:
    """Whether `named` is the name of an uploaded file."""
    path = trace_folder() / named
    return bool(STORED_TRACE.fullmatch(named)) and not path.is_symlink() and path.is_file()
