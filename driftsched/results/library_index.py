"""What cards and labels say, kept in one SQLite file, so that a list need not open them all."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from driftsched.results.files import io_errors

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
VERSION = 1
"""To be raised where the facts of a run become others."""
WAIT_S = 2.0
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
"""What is no damage: somebody else writes, or nobody can."""
TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, stamp TEXT NOT NULL, facts TEXT NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID
"""

Known = Mapping[str, tuple[str, dict[str, Any]]]
"""By run: the stamp of the files that were read, and what they said."""


class Index:
    """An SQLite file (WAL) with the facts of runs; a cache that several processes write.

    It is never believed without the files' stamps, so losing it costs nothing but time: where it is
    missing, old, damaged or cannot be written, less is known. It is made anew where it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def known(self) -> Known:
        """All that is known; nothing where one row does not have its checksum."""
        try:
            with self._open() as database:
                rows = database.execute("SELECT run_id, stamp, facts, sum FROM runs").fetchall()
            if any(_sum(*row[:3]) != row[3] for row in rows):
                raise sqlite3.DatabaseError("a row is damaged")
            facts = json.loads(f"[{','.join(row[2] for row in rows)}]")
        except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
            self._mend(error)
            return {}
        return {row[0]: (row[1], each) for row, each in zip(rows, facts, strict=True)}

    def learn(self, found: Known, gone: Collection[str]) -> None:
        """Note what was read, and forget runs that are gone; all of it or nothing."""
        if not found and not gone:
            return
        rows = []
        for run_id, (stamp, facts) in found.items():
            text = json.dumps(facts)
            rows.append((run_id, stamp, text, _sum(run_id, stamp, text)))
        try:
            with self._open() as database, database:
                database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)
                database.executemany("DELETE FROM runs WHERE run_id = ?", [(run,) for run in gone])
        except sqlite3.Error as error:
            self._mend(error)

    def clear(self) -> None:
        """Forget everything."""
        for ending in ("-wal", "-shm", "-journal", ""):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=WAIT_S)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                database.executescript(
                    "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; DROP TABLE IF EXISTS runs;"
                    f"{TABLE}; PRAGMA user_version = {VERSION}; COMMIT;"
                )
            database.execute("PRAGMA synchronous = NORMAL")
            yield database

    def _mend(self, error: Exception) -> None:
        # an extended code's last byte is the code
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code not in PASSING:
            try:
                self.clear()
            except OSError:
                return  # a cache that cannot even be removed is not used


def _sum(run_id: str, stamp: str, facts: str) -> int:
    return zlib.crc32(f"{run_id}\n{stamp}\n{facts}".encode())


def is_run(place: Path, run_id: str) -> bool:
    """Whether a folder of runs has one of that id."""
    return bool(RUN_ID.fullmatch(run_id)) and (place / run_id / "run.json").is_file()


def stamps_of(place: Path, labels: Path) -> dict[str, str]:
    """Runs in a folder, each with a text that is another once its card or label has changed."""
    if not place.is_dir():
        return {}
    with io_errors(f"read {place}"):
        names = [entry.name for entry in os.scandir(place) if RUN_ID.fullmatch(entry.name)]
        labelled = {entry.name for entry in os.scandir(labels)} if labels.is_dir() else set()
    found = {}
    for name in names:
        if card := _stamp(f"{place}/{name}/run.json"):
            label = f"{name}.json"
            found[name] = f"{card} {_stamp(f'{labels}/{label}') if label in labelled else ''}"
    return found


def _stamp(path: str) -> str:
    """Which file it is, of when and how long; nothing where there is none."""
    try:
        file = Path(path).stat()
    except OSError:
        return ""
    regular = stat.S_ISREG(file.st_mode)
    return f"{file.st_ino}-{file.st_mtime_ns}-{file.st_size}" if regular else ""
