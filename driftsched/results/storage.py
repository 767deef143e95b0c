"""A run as files and back, equal: its tables as Parquet, its scenario as YAML."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from driftsched.core.errors import RunError
from driftsched.results.files import io_errors, sha256, write_folder
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario
from driftsched.scenario.io import from_yaml, to_yaml

TABLES = {
    "requests": ("request_id", "tenant", "status", "arrival_s"),
    "queues": ("time_s", "tenant", "waiting", "running"),
    "gpus": ("time_s", "replica", "busy"),
    "learning": ("time_s", "request_id", "key", "bias"),
}
"""The tables of a run, by the names of `RunResult`'s attributes, and columns that tell each."""
RUN_FILES = (*(f"{name}.parquet" for name in TABLES), "scenario.yaml", "provenance.json")
CATEGORIES = b"driftsched.categories"
DAMAGED = (
    *(pa.ArrowException, ArithmeticError, AttributeError, LookupError, MemoryError, OSError),
    *(RecursionError, TypeError, ValueError),
)
"""What readers raise for bytes that nobody wrote like this."""


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
    arrow = arrow.replace_schema_metadata(metadata)
    pq.write_table(arrow, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def _read_parquet(content: bytes) -> pd.DataFrame:
    """Read a table that `parquet_bytes` wrote; what it raises for others is in `DAMAGED`."""
    arrow = pq.read_table(io.BytesIO(content), page_checksum_verification=True)
    table: pd.DataFrame = arrow.to_pandas()
    kept = json.loads((arrow.schema.metadata or {}).get(CATEGORIES, b"{}"))
    for name, words in kept.items():
        if not set(table[name].dropna().unique()) <= set(words):
            raise ValueError(f"column {name} has other words than its categories")
        table[name] = pd.Categorical(table[name], categories=words)
    return table


def provenance_json(provenance: Mapping[str, object]) -> str:
    """Provenance as JSON text, keys in order."""
    return json.dumps(provenance, indent=2, sort_keys=True, default=str) + "\n"


def run_files(result: RunResult) -> Iterator[tuple[str, bytes]]:
    """The files of a run: four Parquet files, scenario.yaml and provenance.json."""
    for name in TABLES:
        yield f"{name}.parquet", parquet_bytes(getattr(result, name))
    yield "scenario.yaml", to_yaml(result.scenario).encode()
    yield "provenance.json", provenance_json(result.provenance).encode()


def write_parquet(result: RunResult, folder: Path | str) -> None:
    """Write a run to a folder, `run_files`, as `write_folder` does.

    Equal runs give equal bytes, but for provenance.json.
    """
    write_folder(run_files(result), folder)


def read_run(folder: Path | str, sums: Mapping[str, str] | None = None) -> RunResult:
    """Read a run that `write_parquet` wrote; `sums` are SHA-256 that files must have.

    Raises
    ------
    RunError
        When a file is missing, damaged, or another than it should be.
    ScenarioError
        When the scenario is not valid for this version.
    """
    place, sums = Path(folder), sums or {}
    content = partial(_content, place, sums)
    run = run_of(content, place)
    for name in set(sums) - set(RUN_FILES):
        with _damage(place / name):
            content(name)  # not needed here, but what is wrong with it must not go unseen
    return run


def read_scenario(folder: Path, sums: Mapping[str, str]) -> Scenario:
    """Read a run's scenario alone; it raises what `read_run` does."""
    with _damage(folder / "scenario.yaml"):
        text = _content(folder, sums, "scenario.yaml").decode()
    return from_yaml(text)


def _content(place: Path, sums: Mapping[str, str], name: str) -> bytes:
    with io_errors(f"read the run in {place}"):
        found = (place / name).read_bytes()
    if name in sums and sha256(found) != sums[name]:
        raise ValueError("it is not the file that was saved (its SHA-256 is another)")
    return found


def run_of(content: Callable[[str], bytes], place: Path) -> RunResult:
    """Make the run of its files: what `content` gives for each of `RUN_FILES`.

    `place` is where they are, for messages. It raises what `read_run` does.
    """
    with _damage(place / "scenario.yaml"):
        text = content("scenario.yaml").decode()
    with _damage(place / "provenance.json"):
        provenance = dict(json.loads(content("provenance.json")))
    tables = {}
    for name, columns in TABLES.items():
        with _damage(place / f"{name}.parquet"):
            tables[name] = _read_parquet(content(f"{name}.parquet"))
            if missing := set(columns) - set(tables[name].columns):
                raise ValueError(f"it is no table of {name}: column {min(missing)} is missing")
    return RunResult(scenario=from_yaml(text), provenance=provenance, **tables)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with the content of a file into a `RunError` of one line."""
    try:
        yield
    except DAMAGED as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(f"cannot read {path}: {reason}") from error
