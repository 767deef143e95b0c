"""A run's ZIP from elsewhere: looked at with suspicion before any of it is believed."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from driftsched.core.errors import InputError
from driftsched.results.cards import Shipped
from driftsched.results.export import LIBRARY_JSON, SUMS
from driftsched.results.files import sha256
from driftsched.results.outcomes import STATUSES
from driftsched.results.storage import RUN_FILES, TABLES
from driftsched.results.tables import RunResult
from driftsched.scenario.messages import one_line

MAX_UNPACKED_BYTES = 2_000_000_000
MAX_TEXT_BYTES = 2_000_000
MAX_ROWS, MAX_COLUMNS = 20_000_000, 100
PLACES = {name: f"tables/{name}" if name.endswith(".parquet") else name for name in RUN_FILES}
"""Where the files of a run's folder are in its ZIP."""
KNOWN = {
    *PLACES.values(),
    *(f"tables/{name}.csv" for name in TABLES),
    *(f"paper/{name}.csv" for name in ("metrics", "queue_depth", "telemetry")),
    *("README.txt", "report.html", "metrics.csv", LIBRARY_JSON, SUMS),
}
TEXTS = {"scenario.yaml", "provenance.json", LIBRARY_JSON, SUMS}
FOLDERS = {"tables/", "paper/"}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What `zipfile` raises for bytes that are no ZIP, or no whole one."""


class Archive(NamedTuple):
    """The files of a run's folder, by name, and what a library knew of it, if it was in one."""

    files: dict[str, bytes]
    shipped: Shipped | None


def read_archive(content: bytes) -> Archive:
    """Read what `export_zip` wrote, in memory: 2 GB unpacked at most.

    Raises
    ------
    InputError
        It is no ZIP; an entry is none of `export_zip`'s, a link, encrypted, there twice or too
        large; one is missing, damaged, or another than SHA256SUMS says; library.json has another
        schema.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _checked(archive.infolist())
            found = {name: archive.read(entry) for name, entry in entries.items()}
    except InputError:
        raise
    except (*BROKEN, OSError) as error:
        raise InputError(f"ZIP must be whole and one of a run, got one where {error}") from None
    _check_sums(found)
    missing = [name for name in PLACES.values() if name not in found]
    if missing:
        raise InputError(f"ZIP must hold a run's {missing[0]}, got none")
    for name in TABLES:
        _check_size(f"tables/{name}.parquet", found[f"tables/{name}.parquet"])
    files = {name: found[place] for name, place in PLACES.items()}
    return Archive(files, _shipped(found[LIBRARY_JSON]) if LIBRARY_JSON in found else None)


def read_archive_file(path: Path | str) -> Archive:
    """Read a file as `read_archive` does; ``InputError`` also where it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_UNPACKED_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"ZIP must be a file that can be read, got {path}: {error.strerror}"
        ) from None
    if len(content) > MAX_UNPACKED_BYTES:
        raise InputError(f"ZIP must have at most {MAX_UNPACKED_BYTES:,} bytes, got more")
    return read_archive(content)


def check_tables(result: RunResult) -> None:
    """Refuse tables that unpack to too much, or whose requests end as none does."""
    tables = [getattr(result, name) for name in TABLES]
    size = sum(int(table.memory_usage(deep=True).sum()) for table in tables)
    if size > MAX_UNPACKED_BYTES:
        raise InputError(f"tables must take at most {MAX_UNPACKED_BYTES:,} bytes, got {size:,}")
    if unknown := {*result.requests["status"].astype(str).unique()} - {*STATUSES}:
        shown = repr(min(unknown)[:60])
        raise InputError(f"status of a request must be one of {', '.join(STATUSES)}, got {shown}")


def _checked(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Entries by name, without folders; none of them is read before all are looked at."""
    if len(entries) > len(KNOWN) + len(FOLDERS):
        most = len(KNOWN) + len(FOLDERS)
        raise InputError(f"ZIP must have at most {most} entries, got {len(entries):,}")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        _check_entry(entry)
        if entry.filename in found:
            raise InputError(f"ZIP must hold each file once, got {entry.filename!r} twice")
        if entry.filename not in FOLDERS:
            found[entry.filename] = entry
    size = sum(entry.file_size for entry in found.values())
    if size > MAX_UNPACKED_BYTES:
        raise InputError(f"ZIP must unpack to at most {MAX_UNPACKED_BYTES:,} bytes, got {size:,}")
    return found


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, shown = entry.filename, repr(entry.filename[:100])
    if name not in KNOWN | FOLDERS:
        raise InputError(f"ZIP must hold what a run's export holds and no more, got {shown}")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"ZIP must hold plain files, got {shown}, a link or a device")
    if entry.flag_bits & 1:
        raise InputError(f"ZIP must not be encrypted, got {shown}, which is")
    if name in TEXTS and entry.file_size > MAX_TEXT_BYTES:
        size = entry.file_size
        raise InputError(f"{name} must have at most {MAX_TEXT_BYTES:,} bytes, got {size:,}")


def _check_sums(found: dict[str, bytes]) -> None:
    """All that SHA256SUMS names is there and as it says; ZIPs of former versions have none."""
    for line in found.get(SUMS, b"").decode(errors="replace").splitlines():
        expected, _, name = line.partition("  ")
        if name not in found:
            raise InputError(f"ZIP must hold all that {SUMS} names, got no {name[:100]!r}")
        if sha256(found[name]) != expected:
            raise InputError(f"{name} must have the SHA-256 that {SUMS} says, got another")


def _check_size(name: str, content: bytes) -> None:
    """A table's own head says how large it is before it is unpacked."""
    try:
        head = pq.read_metadata(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{name} must be a Parquet file, got one where {error}") from None
    if head.num_rows > MAX_ROWS or head.num_columns > MAX_COLUMNS:
        raise InputError(
            f"{name} must have at most {MAX_ROWS:,} rows and {MAX_COLUMNS} columns, got "
            f"{head.num_rows:,} and {head.num_columns:,}"
        )


def _shipped(content: bytes) -> Shipped:
    try:
        return Shipped.model_validate_json(content)
    except ValidationError as error:
        raise InputError(f"{LIBRARY_JSON}: {one_line(error, Shipped, 'it')}") from None
