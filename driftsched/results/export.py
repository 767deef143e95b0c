"""A run as files for others: CSV, and one ZIP with everything."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from driftsched.results.files import Files, sha256, write_folder
from driftsched.results.metrics import metrics_table
from driftsched.results.paper_csv import paper_tables
from driftsched.results.storage import TABLES, parquet_bytes, provenance_json
from driftsched.results.tables import RunResult
from driftsched.scenario.io import to_yaml

LIBRARY_JSON, SUMS = "library.json", "SHA256SUMS"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
EPOCH = (1980, 1, 1, 0, 0, 0)
LEVEL = 3
README = """\
{title}

{question}To repeat this run:

    {command}

(scenario.yaml in this folder is the complete scenario.)

What is in here:
  report.html      figures and numbers to read, opens offline
  metrics.csv      the run in numbers: overall, by tenant, by category
  tables/          requests, queues, gpus, learning as CSV and Parquet
  paper/           metrics.csv, queue_depth.csv, telemetry.csv with DriftSched's columns
  scenario.yaml    what was run
  provenance.json  version, seed, engine, wall time, machine
  library.json     where it comes from a library: its id, title, tags, notes
  SHA256SUMS       for `sha256sum --check`

`driftsched library import` and the studio's page Library read this ZIP.

Times are seconds since the run's start. In CSV, text that a spreadsheet could take for a formula
starts with an apostrophe; the Parquet files hold it as it was.
"""


def csv_text(table: pd.DataFrame) -> str:
    """Write a table as CSV: full precision, NaN empty, no index, line feeds.

    Text that begins like a spreadsheet formula (=, +, -, @, tab, line end) gets an apostrophe in
    front (OWASP, CSV injection).
    """
    guarded = {name: _guarded(table[name]) for name in table.columns}
    return pd.DataFrame(guarded, index=table.index).to_csv(index=False, lineterminator="\n")


def _guarded(column: pd.Series[Any]) -> pd.Series[Any]:
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    if not (categorical or column.dtype == object or pd.api.types.is_string_dtype(column.dtype)):
        return column
    words = column.cat.categories if categorical else column.dropna().unique()
    if not any(isinstance(word, str) and word.startswith(FORMULA) for word in words):
        return column
    return column.astype(object).map(_safe)


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_csv(result: RunResult, folder: Path | str) -> None:
    """Write the four tables, metrics.csv and scenario.yaml to a folder, as `write_folder` does.

    Equal runs give equal bytes.
    """
    write_folder(_csv_files(result), folder)


def _csv_files(result: RunResult) -> Files:
    for name in TABLES:
        yield f"{name}.csv", csv_text(getattr(result, name)).encode()
    yield "metrics.csv", csv_text(metrics_table(result)).encode()
    yield "scenario.yaml", to_yaml(result.scenario).encode()


def write_paper(result: RunResult, folder: Path | str) -> None:
    """Write `paper_tables` to a folder, as `write_csv` does."""
    files = ((name, csv_text(table).encode()) for name, table in paper_tables(result).items())
    write_folder(files, folder)


def export_zip(
    result: RunResult, command: str, report_html: str = "", library_json: str = ""
) -> bytes:
    """Everything about a run in one ZIP, which `RunLibrary.import_zip` reads.

    tables/ (CSV and Parquet), metrics.csv, paper/, scenario.yaml, provenance.json, README.txt with
    the `command` that repeats it, `report_html` (from `html_report`) and `library_json` (from
    `RunLibrary.about`) where they are not empty, and the SHA-256 of all of them in SHA256SUMS.
    Equal runs give equal bytes, but for provenance.json and what the report and the sums say of it.
    """
    files: dict[str, str | bytes] = {"README.txt": _readme(result, command)}
    if report_html:
        files["report.html"] = report_html
    files["metrics.csv"] = csv_text(metrics_table(result))
    for name in TABLES:
        table = getattr(result, name)
        files[f"tables/{name}.csv"] = csv_text(table)
        files[f"tables/{name}.parquet"] = parquet_bytes(table)
    for name, table in paper_tables(result).items():
        files[f"paper/{name}"] = csv_text(table)
    files["scenario.yaml"] = to_yaml(result.scenario)
    files["provenance.json"] = provenance_json(result.provenance)
    if library_json:
        files[LIBRARY_JSON] = library_json
    files[SUMS] = "".join(f"{sha256(_bytes(text))}  {name}\n" for name, text in files.items())
    return _zipped(files)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _zipped(files: dict[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            packed = name.endswith(".parquet")
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, compresslevel=None if packed else LEVEL)
    return sink.getvalue()


def _readme(result: RunResult, command: str) -> str:
    scenario = result.scenario
    question = f"{scenario.question}\n\n" if scenario.question else ""
    return README.format(title=scenario.title or scenario.name, question=question, command=command)
