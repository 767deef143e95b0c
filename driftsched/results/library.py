"""The run library: a folder a run, never changed; an index that can be rebuilt at any time."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from driftsched.core.errors import InputError, RunError, UnknownNameError
from driftsched.results.export import csv_text
from driftsched.results.metrics import metrics_table, summarise
from driftsched.results.storage import io_errors, read_run, write_run_files, written_aside

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["COLUMNS", "RunLibrary", "library_home"]

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MAX_TITLE = 200
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
VERSION = 2
Card = dict[str, Any]


def library_home() -> Path:
    """``DRIFTSCHED_HOME``, or ``~/.driftsched`` where it is not set."""
    return Path(os.environ.get("DRIFTSCHED_HOME") or Path.home() / ".driftsched")


class RunLibrary:
    """Saved runs. Several processes may use one library at the same time.

    Parameters
    ----------
    home : Path, optional
        Where it lives; by default `library_home`. It is made when the first run is saved.

    Attributes
    ----------
    home : Path
        Holds ``runs/`` (a folder a run) and ``index.sqlite``, which is only a cache.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(home) if home is not None else library_home()
        self._runs = self.home / "runs"
        self._index = _Index(self.home / "index.sqlite")

    def save(self, result: RunResult, title: str = "") -> str:
        """Save a run; its folder appears whole or not at all.

        Parameters
        ----------
        result : RunResult
            The run.
        title : str
            200 characters at most; by default the scenario's title or name.

        Returns
        -------
        str
            The run's id, unique in the library.

        Raises
        ------
        InputError
            When the title is too long.
        RunError
            When the library cannot be written.
        """
        scenario = result.scenario
        words = " ".join((title or scenario.title or scenario.name).split())
        if len(words) > MAX_TITLE:
            raise InputError(f"title must have at most {MAX_TITLE} characters, got {len(words)}")
        saved = datetime.now(UTC)
        stem = f"{saved:%Y%m%d-%H%M%S}-{scenario.name}-{scenario.policy.kind}"
        run_id = f"{stem[:80]}-{secrets.token_hex(4)}"
        card = _card(result) | {
            "run_id": run_id,
            "title": words,
            "saved_utc": saved.isoformat(timespec="seconds"),
        }
        folder = self._runs / run_id
        with io_errors(f"save the run in {self._runs}"), written_aside(folder) as aside:
            write_run_files(result, aside)
            (aside / "metrics.csv").write_bytes(csv_text(metrics_table(result)).encode())
            (aside / "run.json").write_text(json.dumps(card, indent=2), encoding="utf-8")
        return run_id

    def load(self, run_id: str) -> RunResult:
        """Load a saved run; its tables equal those saved.

        Raises
        ------
        UnknownNameError
            When there is no such run.
        RunError
            When its files are damaged.
        """
        return read_run(self._folder(run_id))

    def list(self) -> pd.DataFrame:
        """Saved runs, the newest first.

        Folders that are no runs, or whose card cannot be read, are left out.

        Returns
        -------
        DataFrame
            run_id, title, saved_utc, scenario, policy, engine, seed, requests, completed,
            median_e2el_ms, p99_e2el_ms, request_throughput.
        """
        found = self._ids()
        cards = self._index.cards(found, self._read_card)
        table = pd.DataFrame(cards, columns=COLUMNS)
        return table.sort_values(
            ["saved_utc", "run_id"], ascending=False, kind="stable", ignore_index=True
        )

    def delete(self, run_id: str) -> None:
        """Delete a saved run for good.

        Raises
        ------
        UnknownNameError
            When there is no such run.
        RunError
            When its files cannot be deleted.
        """
        folder = self._folder(run_id)
        with io_errors(f"delete {folder}"):
            # Renamed first, so that nobody finds half a run.
            aside = folder.with_name(f".deleted-{secrets.token_hex(8)}")
            folder.rename(aside)
            shutil.rmtree(aside)

    def _ids(self) -> Sequence[str]:
        if not self._runs.is_dir():
            return []
        with io_errors(f"read {self._runs}"):
            names = sorted(entry.name for entry in os.scandir(self._runs) if entry.is_dir())
        return [name for name in names if RUN_ID.fullmatch(name)]

    def _folder(self, run_id: str) -> Path:
        folder = self._runs / run_id
        if not RUN_ID.fullmatch(run_id) or not (folder / "run.json").is_file():
            held = len(self._ids()) or "none"
            raise UnknownNameError(
                f"run must be the id of a saved run ({self.home} holds {held}) or the "
                f"folder of one, got {run_id[:100]!r}"
            )
        return folder

    def _read_card(self, run_id: str) -> dict[str, Any] | None:
        """What the list shows of a run, or None where its folder holds no run."""
        try:
            with io_errors(f"read the card of {run_id}"):
                text = (self._runs / run_id / "run.json").read_text(encoding="utf-8")
            card = json.loads(text)
            return {name: card[name] for name in COLUMNS} | {"run_id": run_id}
        except (RunError, ValueError, KeyError, TypeError):
            return None


def _card(result: RunResult) -> dict[str, Any]:
    scenario = result.scenario
    # The list always shows P99, whatever percentiles the scenario asks for.
    metrics = scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})
    summary = summarise(result.requests, scenario.model_copy(update={"metrics": metrics}))
    shown = ("completed", "median_e2el_ms", "p99_e2el_ms", "request_throughput")
    return {
        "scenario": scenario.name,
        "policy": scenario.policy.kind,
        "engine": str(result.provenance.get("engine", "")),
        "seed": scenario.seed,
        "requests": summary["submitted"],
    } | {name: _finite(summary[name]) for name in shown}


def _finite(value: float | int | None) -> float | int | None:
    return None if value is None or value != value else value


class _Index:
    """Cards of runs by run_id in SQLite: a cache, since run folders never change.

    An index that is missing, damaged or cannot be written costs time only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def cards(self, run_ids: Sequence[str], read: Callable[[str], Card | None]) -> list[Card]:
        """Cards of the runs whose folders are there; `read` gives those that are not known."""
        if not run_ids and not self._path.exists():
            return []
        known = self._load()
        new = (run_id for run_id in run_ids if run_id not in known)
        fresh = {run_id: card for run_id in new if (card := read(run_id))}
        gone = known.keys() - set(run_ids)
        if fresh or gone:
            self._update(fresh, gone)
        known |= fresh
        return [known[run_id] for run_id in run_ids if run_id in known]

    def _load(self) -> dict[str, Card]:
        if not self._path.is_file():
            return {}
        try:
            with closing(sqlite3.connect(self._path, timeout=5)) as connection:
                if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    raise sqlite3.DatabaseError("another version's index")
                rows = connection.execute("SELECT run_id, card FROM runs").fetchall()
            return {run_id: json.loads(card) for run_id, card in rows}
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                self._discard()
        except (sqlite3.DatabaseError, ValueError):
            self._discard()
        return {}

    def _update(self, fresh: dict[str, Card], gone: Iterable[str]) -> None:
        """Bring the index up to date; where that fails the next list reads the folders again."""
        rows = [(run_id, json.dumps(card)) for run_id, card in fresh.items()]
        try:
            with closing(sqlite3.connect(self._path, timeout=5)) as connection, connection:
                # No journal file that could outlive the index it belongs to.
                connection.execute("PRAGMA journal_mode = MEMORY")
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("CREATE TABLE IF NOT EXISTS runs (run_id PRIMARY KEY, card)")
                connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?)", rows)
                connection.executemany("DELETE FROM runs WHERE run_id = ?", [(i,) for i in gone])
        except sqlite3.OperationalError:
            return  # read-only or busy: the folders hold everything
        except sqlite3.DatabaseError:
            self._discard()

    def _discard(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return  # it is rebuilt, or ignored, the next time
