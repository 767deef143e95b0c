"""The tables of a run as Parquet files, and back, equal; nobody ever finds half a file."""

from __future__ import annotations

import io
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from driftsched.core.errors import RunError
from driftsched.results.tables import RunResult
from driftsched.scenario.io import from_yaml, to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TABLES",
    "io_errors",
    "parquet_bytes",
    "provenance_json",
    "read_parquet",
    "read_run",
    "write_parquet",
    "write_run_files",
    "written_aside",
]

TABLES = ("requests", "queues", "gpus", "learning")
"""The tables of a run, by the names of `RunResult`'s attributes."""
CATEGORIES = b"driftsched.categories"
PREFIX = ".partial-"


@contextmanager
def io_errors(doing: str) -> Iterator[None]:
    """Turn what goes wrong with files into a `RunError` of one line: "cannot …: reason"."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot {doing}: {reason}") from error


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; when all went well its files appear in `folder`.

    A new folder appears whole, by one renaming. In one that exists each file is replaced whole, and
    other files in it stay. When something fails, `folder` is left as it was.
    """
    exists = folder.is_dir()
    parent = folder if exists else folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    aside = parent / f"{PREFIX}{secrets.token_hex(8)}"
    aside.mkdir()
    try:
        yield aside
        if exists:
            for path in sorted(aside.iterdir()):
                path.replace(folder / path.name)
        else:
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as a Parquet file in memory; equal tables give equal bytes.

    Categories are kept in the file's metadata, since Parquet may drop unused ones and their order.
    """
    plain = table.reset_index(drop=True)
    plain.attrs = {}
    arrow = pa.Table.from_pandas(plain, preserve_index=False)
    kept = {
        str(name): [str(word) for word in table[name].cat.categories]
        for name in table.columns
        if isinstance(table[name].dtype, pd.CategoricalDtype)
    }
    metadata = (arrow.schema.metadata or {}) | {CATEGORIES: json.dumps(kept).encode()}
    sink = io.BytesIO()
    pq.write_table(arrow.replace_schema_metadata(metadata), sink, compression="zstd")
    return sink.getvalue()


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a table that `parquet_bytes` wrote.

    Raises
    ------
    RunError
        When the file is missing or damaged.
    """
    with io_errors(f"read {path}"):
        data = path.read_bytes()
    try:
        arrow = pq.read_table(io.BytesIO(data))
        table: pd.DataFrame = arrow.to_pandas()
        kept = json.loads((arrow.schema.metadata or {}).get(CATEGORIES, b"{}"))
        for name, words in kept.items():
            table[name] = pd.Categorical(table[name], categories=words)
    except (pa.ArrowException, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"cannot read {path}: {reason}") from error
    return table


def provenance_json(provenance: Mapping[str, object]) -> str:
    """Provenance as JSON text, keys in order."""
    return json.dumps(provenance, indent=2, sort_keys=True, default=str) + "\n"


def write_parquet(result: RunResult, folder: Path | str) -> None:
    """Write a run to a folder: four Parquet files, scenario.yaml and provenance.json.

    Equal runs give equal bytes, but for provenance.json. A new folder appears whole; in one that
    exists files are replaced one by one, each whole.

    Raises
    ------
    RunError
        When the folder cannot be written.
    """
    with io_errors(f"write to {folder}"), written_aside(Path(folder)) as aside:
        write_run_files(result, aside)


def write_run_files(result: RunResult, folder: Path) -> None:
    """Write the files of `write_parquet` straight into an existing folder."""
    for name in TABLES:
        (folder / f"{name}.parquet").write_bytes(parquet_bytes(getattr(result, name)))
    (folder / "scenario.yaml").write_bytes(to_yaml(result.scenario).encode())
    (folder / "provenance.json").write_bytes(provenance_json(result.provenance).encode())


def read_run(folder: Path | str) -> RunResult:
    """Read a run back from the folder that `write_parquet` wrote.

    Raises
    ------
    RunError
        When a file is missing or damaged.
    ScenarioError
        When the scenario is not valid for this version.
    """
    place = Path(folder)
    with io_errors(f"read the run in {place}"):
        scenario = (place / "scenario.yaml").read_text(encoding="utf-8")
        provenance = (place / "provenance.json").read_text(encoding="utf-8")
    tables = {name: read_parquet(place / f"{name}.parquet") for name in TABLES}
    try:
        facts = json.loads(provenance)
    except ValueError as error:
        raise RunError(f"cannot read {place / 'provenance.json'}: {error}") from error
    return RunResult(scenario=from_yaml(scenario), provenance=facts, **tables)
