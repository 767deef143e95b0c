"""The SQLite index of the run library: a cache of the runs' cards, rebuilt when in doubt."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["COLUMNS", "LibraryIndex"]

COLUMNS = [
    "run_id",
    "title",
    "saved_utc",
    "scenario",
    "policy",
    "engine",
    "seed",
    "requests",
    "completed",
    "median_e2el_ms",
    "p99_e2el_ms",
    "request_throughput",
]
VERSION = 1
Card = dict[str, Any]


class LibraryIndex:
    """Cards of runs by run_id. Run folders never change, so a card in the index stays right."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cards(self, run_ids: Sequence[str], read: Callable[[str], Card | None]) -> list[Card]:
        """Cards of the runs whose folders are there.

        Parameters
        ----------
        run_ids : sequence of str
            Folders found.
        read : callable
            Reads a card from its folder; None where it holds no run.

        Returns
        -------
        list of dict
            From the index where it has them; others are read and added, and those whose folders
            are gone are taken out. An index that is missing, damaged or cannot be written costs
            time only.
        """
        if not run_ids and not self.path.exists():
            return []
        known = self._load()
        wanted = set(run_ids)
        fresh = [card for run_id in run_ids if run_id not in known and (card := read(run_id))]
        gone = known.keys() - wanted
        if fresh or gone:
            self._update(fresh, gone)
        return [card for run_id, card in known.items() if run_id in wanted] + fresh

    def _load(self) -> dict[str, Card]:
        if not self.path.is_file():
            return {}
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection:
                if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    raise sqlite3.DatabaseError("another version's index")
                columns = ", ".join(COLUMNS)
                rows = connection.execute(f"SELECT {columns} FROM runs").fetchall()  # noqa: S608  our own names
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                self._discard()
            return {}
        except sqlite3.DatabaseError:
            self._discard()
            return {}
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}

    def _update(self, fresh: list[Card], gone: Iterable[str]) -> None:
        """Bring the index up to date; where that fails the next list reads the folders again."""
        marks = ", ".join("?" * len(COLUMNS))
        values = [[card[name] for name in COLUMNS] for card in fresh]
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
                # No journal file that could outlive the index it belongs to.
                connection.execute("PRAGMA journal_mode = MEMORY")
                connection.execute(f"PRAGMA user_version = {VERSION}")
                names = ", ".join([f"{COLUMNS[0]} PRIMARY KEY", *COLUMNS[1:]])
                connection.execute(f"CREATE TABLE IF NOT EXISTS runs ({names})")
                insert = f"INSERT OR REPLACE INTO runs VALUES ({marks})"  # noqa: S608  only ? marks
                connection.executemany(insert, values)
                connection.executemany("DELETE FROM runs WHERE run_id = ?", [(i,) for i in gone])
        except sqlite3.OperationalError:
            return  # read-only or busy: the folders hold everything
        except sqlite3.DatabaseError:
            self._discard()

    def _discard(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            return  # it is rebuilt, or ignored, the next time
