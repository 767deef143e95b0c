"""Where a sweep is kept: what was asked, and its results, one line each as they come.

``sweeps/ID/`` in the home folder holds ``sweep.yaml``, written whole, and ``results.jsonl``, to
which the one process that runs the sweep appends a line a point by one write. So a process that is
killed leaves every finished point, and at most a torn last line, which the next one cuts off.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic_core import to_json

from driftsched.core.errors import DriftSchedError, InputError, RunError, UnknownNameError
from driftsched.core.home import home
from driftsched.experiments.sweeps.design import Sweep, read_plan
from driftsched.results.files import io_errors, locked, written_aside
from driftsched.scenario.yaml_text import read_yaml_file

__all__ = ["Row", "SweepFolder", "kept_sweeps"]

Row = dict[str, Any]
"""A point's result: key, settings, status (done or failed), reason, figures."""
SWEEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
ASKED, RESULTS = "sweep.yaml", "results.jsonl"


class SweepFolder:
    """The folder of one sweep, by its id.

    Raises
    ------
    UnknownNameError
        When there is no such sweep.
    """

    def __init__(self, sweep_id: str) -> None:
        self.path = _sweeps() / sweep_id
        if not SWEEP_ID.fullmatch(sweep_id) or not (self.path / ASKED).is_file():
            raise UnknownNameError(
                f"sweep must be one of those that `driftsched sweep --list` names, got "
                f"{sweep_id[:100]!r}"
            )

    @classmethod
    def of(cls, sweep: Sweep) -> SweepFolder:
        """The folder of what is asked; it is made where there is none."""
        path = _sweeps() / sweep.sweep_id
        if not path.is_dir():
            data = json.loads(sweep.model_dump_json(by_alias=True, exclude_none=True))
            text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
            with io_errors(f"write {path}"), written_aside(path) as aside:
                (aside / ASKED).write_text(text, encoding="utf-8")
        return cls(sweep.sweep_id)

    def sweep(self) -> Sweep:
        """What was asked.

        Raises
        ------
        InputError
            When it cannot be read.
        """
        data = read_yaml_file(self.path / ASKED, "sweep")
        if not isinstance(data, dict):
            raise InputError(f"{self.path / ASKED} must be a mapping of fields")
        return read_plan(data)

    def rows(self) -> list[Row]:
        """Results so far; lines that cannot be read are left out, and their points run again."""
        path = self.path / RESULTS
        if not path.is_file():
            return []
        with io_errors(f"read {path}"):
            lines = path.read_bytes().split(b"\n")[:-1]  # what has no end was torn
        found = (_row(line) for line in lines)
        return [row for row in found if row is not None]

    @contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Give what appends results; nobody else may meanwhile.

        Raises
        ------
        RunError
            When another process runs this sweep, or the file cannot be written.
        """
        path = self.path / RESULTS
        with io_errors(f"write {path}"):
            try:
                with locked(self.path, alone=True):
                    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                    try:
                        whole = path.read_bytes().rfind(b"\n") + 1
                        os.ftruncate(handle, whole)
                        os.lseek(handle, whole, os.SEEK_SET)
                        yield _Writer(handle)
                    finally:
                        os.close(handle)
            except BlockingIOError:
                raise RunError(f"sweep {self.path.name} is being run by another process") from None


class _Writer:
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def add(self, row: Row) -> None:
        """Append a line, whole or not at all as far as a process that is killed can have it."""
        line = to_json(row, inf_nan_mode="strings") + b"\n"
        while line:
            line = line[os.write(self._handle, line) :]


def kept_sweeps() -> pd.DataFrame:
    """Sweeps that are kept, the newest first.

    Columns are sweep_id, begun_utc, scenario, over, points, done, failed, and damage: empty, or
    why it cannot be read.
    """
    rows = []
    root = _sweeps()
    for path in root.iterdir() if root.is_dir() else ():
        if not (path / ASKED).is_file() or not SWEEP_ID.fullmatch(path.name):
            continue
        begun = datetime.fromtimestamp((path / ASKED).stat().st_mtime, UTC)
        row: Row = {"sweep_id": path.name, "begun_utc": begun.isoformat(timespec="seconds")}
        try:
            folder = SweepFolder(path.name)
            sweep, status = folder.sweep(), [each["status"] for each in folder.rows()]
            row |= {"scenario": sweep.scenario.name, "over": " ".join(sweep.over)}
            row |= {"points": len(sweep.points), "done": status.count("done")}
            rows.append(row | {"failed": status.count("failed"), "damage": ""})
        except DriftSchedError as error:
            rows.append(row | {"damage": str(error)})
    columns = ["sweep_id", "begun_utc", "scenario", "over", "points", "done", "failed", "damage"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["begun_utc", "sweep_id"], ascending=False, ignore_index=True)


def _row(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
        row["figures"] = {name: float(value) for name, value in row["figures"].items()}
        known = row["status"] in ("done", "failed") and isinstance(row["settings"], dict)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return row if known and isinstance(row["key"], str) else None


def _sweeps() -> Path:
    return home() / "sweeps"
