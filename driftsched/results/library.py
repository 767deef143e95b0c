"""The run library: a folder a run, never changed; labels beside them; an index that is a cache."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from driftsched.core.errors import DriftSchedError, InputError, RunError, UnknownNameError
from driftsched.core.home import home as library_home
from driftsched.results.archive import Archive, check_tables, read_archive, read_archive_file
from driftsched.results.cards import (
    COLUMNS,
    MAX_TITLE,
    Label,
    Shipped,
    card_of,
    facts_of,
    label_of,
    matching,
    read_card,
    read_label,
)
from driftsched.results.export import csv_text
from driftsched.results.files import (
    Files,
    beside,
    clear_left,
    in_turn,
    io_errors,
    remove,
    write_file,
    write_files,
)
from driftsched.results.library_index import Index, is_run, stamps_of
from driftsched.results.metrics import metrics_table
from driftsched.results.storage import DAMAGED, read_run, read_scenario, run_files, run_of
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario


class Reindexed(NamedTuple):
    """What `RunLibrary.reindex` found: runs, ids of damaged ones, and what was swept up."""

    runs: int
    damaged: Sequence[str]
    swept: Sequence[str]


class RunLibrary:
    """Saved runs. Several processes may use one library at the same time.

    `home`, by default `library_home`, holds ``runs/``, a folder a run, ``trash/``, those that are
    deleted, ``labels/``, and ``library.sqlite``, which is made of the others whenever it is asked
    for; they are made when the first run is saved. A run appears, moves and goes by one renaming.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(home) if home is not None else library_home()
        self._runs, self._trash = self.home / "runs", self.home / "trash"
        self._labels = self.home / "labels"
        self._index = Index(self.home / "library.sqlite")

    def __contains__(self, run_id: str) -> bool:
        """Whether there is a saved run of that id, damaged or not."""
        return is_run(self._runs, run_id)

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
        words = " ".join((title or _title(result.scenario)).split())
        if len(words) > MAX_TITLE:
            raise InputError(f"title must have at most {MAX_TITLE} characters, got {len(words)}")
        saved = datetime.now(UTC)
        run_id = _new_id(result.scenario, saved)
        about = {"run_id": run_id, "title": words, "saved_utc": saved.isoformat(timespec="seconds")}
        with self._written(result, run_files(result), "save") as put:
            put(about)
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
        return read_run(folder, read_card(folder).files)

    def scenario(self, run_id: str) -> Scenario:
        """Read a saved run's scenario alone; it raises what `load` does."""
        folder = self._folder(run_id)
        return read_scenario(folder, read_card(folder).files)

    def list(
        self,
        text: str = "",
        *,
        policy: str = "",
        world: str = "",
        tag: str = "",
        trash: bool = False,
    ) -> pd.DataFrame:
        """Saved runs, the newest first; folders that are no runs are left out.

        Columns are the fields of a run's card, its title as it is labelled now, damage: empty, or
        why card or label cannot be read, world (simulated, live), tags (a list) and notes. Where
        the card is damaged the run comes last and shows nothing but its id and its label.

        Parameters
        ----------
        text : str
            Each word of it is somewhere in id, title, scenario, policy, engine, tags or notes,
            whatever the case.
        policy, world, tag : str
            Exactly that one; empty for any.
        trash : bool
            Those that are deleted, in place of those that are not.
        """
        table = pd.DataFrame(self._rows(self._trash if trash else self._runs), columns=COLUMNS)
        return matching(table, text, policy=policy, world=world, tag=tag).sort_values(
            ["saved_utc", "run_id"], ascending=False, kind="stable", ignore_index=True
        )

    def label(self, run_id: str, **fields: Any) -> Label:
        """Change title, tags (a sequence of words) or notes of a run; what is not named stays.

        Raises
        ------
        InputError
            When a field is too long, or no tag; `UnknownNameError` when there is no such run.
        RunError
            When it cannot be written.
        """
        return self._relabel(run_id, lambda _: fields)

    def tag(self, run_id: str, *tags: str, remove: bool = False) -> Label:
        """Add tags to a run's, or remove them; it raises what `label` does."""

        def tagged(old: Label) -> dict[str, Any]:
            return {"tags": sorted({*old.tags} - {*tags} if remove else {*old.tags, *tags})}

        return self._relabel(run_id, tagged)

    def delete(self, *run_ids: str) -> None:
        """Move saved runs to the trash; where one of them is a link to elsewhere, the link alone.

        Raises
        ------
        UnknownNameError
            When there is no such run; then none is deleted.
        RunError
            When one cannot be moved.
        """
        self._move([self._folder(run_id) for run_id in run_ids], self._trash, "delete")

    def restore(self, *run_ids: str) -> None:
        """Move runs back from the trash; it raises what `delete` does."""
        if unknown := [run_id for run_id in run_ids if not is_run(self._trash, run_id)]:
            raise UnknownNameError(f"run must be the id of a deleted run, got {unknown[0][:100]!r}")
        self._move([self._trash / run_id for run_id in run_ids], self._runs, "restore")

    def empty_trash(self) -> Sequence[str]:
        """Remove deleted runs and their labels for good; returns their ids."""
        gone = sorted(stamps_of(self._trash, self._labels))
        for run_id in gone:
            folder = self._trash / run_id
            with self._in_turn(f"remove {folder}"), beside(self._trash, "deleted") as aside:
                # Renamed first, so that nobody finds half a run.
                folder.rename(aside)
                (self._labels / f"{run_id}.json").unlink(missing_ok=True)
                remove(aside)
        return gone

    def about(self, run_id: str) -> str:
        """What the library knows of a run beside its tables, as library.json of `export_zip`."""
        card, label = read_card(self._folder(run_id)), self._label(run_id)
        fields = label.model_dump() | {"run_id": run_id, "saved_utc": card.saved_utc}
        shipped = Shipped.model_validate(fields | {"title": label.title or card.title})
        return shipped.model_dump_json(indent=2, by_alias=True) + "\n"

    def import_zip(self, source: Path | str | bytes) -> str:
        """Take in a run that `export_zip` wrote, a file or its bytes; its tables are the same.

        It keeps the id that it had in a library, unless that is taken here.

        Raises
        ------
        InputError
            When it is no such ZIP, or a damaged one; see `archive.read_archive`.
        RunError
            When a table is damaged, or the library cannot be written.
        ScenarioError
            When its scenario is not valid for this version.
        """
        archive = read_archive(source) if isinstance(source, bytes) else read_archive_file(source)
        result = run_of(archive.files.__getitem__, Path("ZIP"))
        check_tables(result)
        try:
            return self._take_in(result, archive)
        except DriftSchedError:
            raise
        except DAMAGED as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"ZIP must hold the tables of a run, got others: {reason}") from error

    def _take_in(self, result: RunResult, archive: Archive) -> str:
        shipped, now = archive.shipped, datetime.now(UTC)
        title = (shipped.title if shipped else "") or _title(result.scenario)
        saved = shipped.saved_utc if shipped else now.isoformat(timespec="seconds")
        with (
            self._written(result, archive.files.items(), "import") as put,
            self._in_turn("import the run"),
        ):
            run_id = shipped.run_id if shipped else ""
            places = (self._runs / run_id, self._trash / run_id, self._labels / f"{run_id}.json")
            if not run_id or any(os.path.lexists(path) for path in places):
                run_id = _new_id(result.scenario, now)
            if shipped and (shipped.tags or shipped.notes):
                self._write_label(run_id, Label(tags=shipped.tags, notes=shipped.notes))
            put({"run_id": run_id, "title": title[:MAX_TITLE], "saved_utc": saved})
        return run_id

    def reindex(self) -> Reindexed:
        """Sweep up what killed processes left, and make the index anew from the folders.

        Labels of runs that are gone are among what is swept up.
        """
        with self._in_turn("clear the library"):
            places = (self._runs, self._trash, self._labels)
            swept = [name for place in places for name in clear_left(place)]
            here = {*stamps_of(self._runs, self._labels), *stamps_of(self._trash, self._labels)}
            for path in sorted(self._labels.glob("*.json")) if self._labels.is_dir() else ():
                if path.stem not in here:
                    remove(path)
                    swept.append(path.name)
            self._index.clear()
        table = self.list()
        return Reindexed(len(table), [*table.loc[table["damage"] != "", "run_id"]], swept)

    def _rows(self, place: Path) -> Sequence[dict[str, Any]]:
        """Facts of each run in a folder: those in the index where its files are as they were."""
        clear_left(place)
        stamps = {path: stamps_of(path, self._labels) for path in (self._runs, self._trash)}
        here = stamps[place]
        if not any(stamps.values()):
            return []
        known = self._index.known()
        rows, found = [], {}
        for run_id, stamp in here.items():
            old = known.get(run_id)
            facts = old[1] if old is not None and old[0] == stamp else None
            if facts is None:
                facts = facts_of(place / run_id, self._labels / f"{run_id}.json")
                if not is_run(place, run_id):
                    continue  # somebody has moved it meanwhile
                found[run_id] = (stamp, facts)
            rows.append(facts)
        gone = known.keys() - stamps[self._runs].keys() - stamps[self._trash].keys()
        self._index.learn(found, gone)
        return rows

    @contextmanager
    def _written(
        self, result: RunResult, files: Files, verb: str
    ) -> Iterator[Callable[[Mapping[str, object]], None]]:
        """Write a run's files aside; gives what puts them in place, and else they go again."""
        with io_errors(f"{verb} the run in {self._runs}"):
            self._runs.mkdir(parents=True, exist_ok=True)
            with beside(self._runs) as aside:
                aside.mkdir()
                metrics = csv_text(metrics_table(result)).encode()
                sums = write_files(chain(files, [("metrics.csv", metrics)]), aside)

                def put(about: Mapping[str, object]) -> None:
                    card = card_of(result, **about, files=sums)
                    (aside / "run.json").write_text(card.model_dump_json(indent=2), "utf-8")
                    aside.rename(self._runs / card.run_id)

                yield put

    def _move(self, folders: Sequence[Path], place: Path, verb: str) -> None:
        for folder in folders:
            with self._in_turn(f"{verb} {folder}"):
                place.mkdir(exist_ok=True)
                folder.rename(place / folder.name)

    @contextmanager
    def _in_turn(self, doing: str) -> Iterator[None]:
        """Be the only one who labels, moves or imports."""
        with io_errors(doing), in_turn(self.home):
            yield

    def _relabel(self, run_id: str, change: Callable[[Label], dict[str, Any]]) -> Label:
        self._folder(run_id)
        with self._in_turn("label the run"):
            old = self._label(run_id)
            now = label_of(old.model_dump() | change(old))
            self._write_label(run_id, now)
        return now

    def _label(self, run_id: str) -> Label:
        """A run's label; a damaged one is as none, and replaced by the next."""
        path = self._labels / f"{run_id}.json"
        try:
            return read_label(path) if path.exists() else Label()
        except RunError:
            return Label()

    def _write_label(self, run_id: str, label: Label) -> None:
        self._labels.mkdir(exist_ok=True)
        write_file(self._labels / f"{run_id}.json", label.model_dump_json(indent=2).encode())

    def _folder(self, run_id: str) -> Path:
        if run_id not in self:
            held = len(stamps_of(self._runs, self._labels)) or "none"
            raise UnknownNameError(
                f"run must be the id of a saved run ({self.home} holds {held}) or the "
                f"folder of one, got {run_id[:100]!r}"
            )
        return self._runs / run_id


def _title(scenario: Scenario) -> str:
    return scenario.title or scenario.name


def _new_id(scenario: Scenario, saved: datetime) -> str:
    stem = f"{saved:%Y%m%d-%H%M%S}-{scenario.name}-{scenario.policy.kind}"
    return f"{stem[:80]}-{secrets.token_hex(4)}"
