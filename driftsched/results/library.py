"""The run library: a folder a run, never changed, with a card that the list is made of."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driftsched.core.errors import InputError, RunError, UnknownNameError
from driftsched.core.home import home as library_home
from driftsched.results.export import csv_text
from driftsched.results.files import (
    Files,
    beside,
    clear_left,
    io_errors,
    remove,
    write_files,
    written_aside,
)
from driftsched.results.metrics import metrics_table, summarise
from driftsched.results.storage import read_run, run_files
from driftsched.results.tables import RunResult
from driftsched.scenario.messages import one_line

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MAX_TITLE = 200
MAX_CARD_BYTES = 100_000
Count = Annotated[int, Field(ge=0, lt=2**63)]
FileName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z]+$")]


class _Card(BaseModel):
    """run.json: what the list shows of a run, and the SHA-256 of its files by name."""

    model_config = ConfigDict(frozen=True)

    run_id: str = Field("", max_length=100)
    title: str = Field(max_length=MAX_TITLE)
    saved_utc: str = Field(max_length=40)
    scenario: str = Field(max_length=100)
    policy: str = Field(max_length=100)
    engine: str = Field(max_length=100)
    seed: Count
    requests: Count
    completed: Count
    median_e2el_ms: float | None
    p99_e2el_ms: float | None
    request_throughput: float | None
    files: dict[FileName, str] = {}


COLUMNS = [*(name for name in _Card.model_fields if name != "files"), "damage"]


class RunLibrary:
    """Saved runs. Several processes may use one library at the same time.

    `home`, by default `library_home`, holds ``runs/``, a folder a run; it is made when the first
    run is saved.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(home) if home is not None else library_home()
        self._runs = self.home / "runs"

    def __contains__(self, run_id: str) -> bool:
        """Whether there is a saved run of that id, damaged or not."""
        return bool(RUN_ID.fullmatch(run_id)) and (self._runs / run_id / "run.json").is_file()

    def save(self, result: RunResult, title: str = "") -> str:
        """Save a run and return its unique id; its folder appears whole or not at all.

        The title has 200 characters at most; by default it is the scenario's title or name.

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
        # The list always shows P99, whatever percentiles the scenario asks for.
        metrics = scenario.metrics.model_copy(update={"percentiles": (50.0, 99.0)})
        summary = summarise(result.requests, scenario.model_copy(update={"metrics": metrics}))
        facts: dict[str, object] = {
            "run_id": run_id,
            "title": words,
            "saved_utc": saved.isoformat(timespec="seconds"),
            "scenario": scenario.name,
            "policy": scenario.policy.kind,
            "engine": str(result.provenance.get("engine", "")),
            "seed": scenario.seed,
            "requests": summary["submitted"],
        }
        folder = self._runs / run_id
        with io_errors(f"save the run in {self._runs}"), written_aside(folder) as aside:
            facts["files"] = write_files(_files(result), aside)
            card = _Card.model_validate(summary | facts)
            (aside / "run.json").write_text(card.model_dump_json(indent=2), encoding="utf-8")
        return run_id

    def load(self, run_id: str) -> RunResult:
        """Load a saved run; its tables equal those saved.

        Raises
        ------
        UnknownNameError
            When there is no such run.
        RunError
            When a file of it is damaged, or another than was saved.
        """
        folder = self._folder(run_id)
        return read_run(folder, _card(folder).files)

    def list(self) -> pd.DataFrame:
        """Saved runs, the newest first; folders that are no runs are left out.

        Columns are the fields of a run's card, and damage: empty, or why the card cannot be read;
        such a run comes last and shows nothing but its id.
        """
        rows = []
        for folder in self._folders():
            row: dict[str, object] = {"run_id": folder.name, "damage": ""}
            try:
                row |= _card(folder).model_dump(exclude={"run_id", "files"})
            except RunError as error:
                row["damage"] = str(error)
            if folder.name in self:  # else somebody has deleted it meanwhile
                rows.append(row)
        table = pd.DataFrame(rows, columns=COLUMNS)
        return table.sort_values(
            ["saved_utc", "run_id"], ascending=False, kind="stable", ignore_index=True
        )

    def delete(self, *run_ids: str) -> None:
        """Delete saved runs for good; where one of them is a link to elsewhere, the link alone.

        Raises
        ------
        UnknownNameError
            When there is no such run; then none is deleted.
        RunError
            When its files cannot be deleted.
        """
        for folder in [self._folder(run_id) for run_id in run_ids]:
            with io_errors(f"delete {folder}"), beside(self._runs, "deleted") as aside:
                # Renamed first, so that nobody finds half a run.
                folder.rename(aside)
                remove(aside)

    def _folders(self) -> Sequence[Path]:
        """Folders of runs, by name."""
        if not self._runs.is_dir():
            return []
        clear_left(self._runs)
        with io_errors(f"read {self._runs}"):
            return sorted(path for path in self._runs.iterdir() if path.name in self)

    def _folder(self, run_id: str) -> Path:
        if run_id not in self:
            held = len(self._folders()) or "none"
            raise UnknownNameError(
                f"run must be the id of a saved run ({self.home} holds {held}) or the "
                f"folder of one, got {run_id[:100]!r}"
            )
        return self._runs / run_id


def _files(result: RunResult) -> Files:
    yield from run_files(result)
    yield "metrics.csv", csv_text(metrics_table(result)).encode()


def _card(folder: Path) -> _Card:
    """Read a run's card; `RunError` where it is damaged."""
    path = folder / "run.json"
    with io_errors(f"read {path}"), path.open("rb") as stream:
        content = stream.read(MAX_CARD_BYTES + 1)
    if len(content) > MAX_CARD_BYTES:
        raise RunError(f"{path} must have at most {MAX_CARD_BYTES} bytes, got more")
    try:
        return _Card.model_validate_json(content)
    except ValidationError as error:
        raise RunError(f"cannot read {path}: {one_line(error, _Card, 'the card')}") from None
