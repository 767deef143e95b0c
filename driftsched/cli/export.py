"""``export``: a run as files for others, from the library, a folder, or simulated for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from driftsched.charts.report import report_figures
from driftsched.cli.arguments import add_scenario, changes_named, command_line, scenario_of
from driftsched.cli.output import tell
from driftsched.cli.progress import ProgressBar
from driftsched.cli.traffic import trace_report
from driftsched.core.errors import InputError
from driftsched.results import (
    RunLibrary,
    csv_text,
    export_zip,
    html_report,
    paper_tables,
    read_run,
    write_csv,
    write_parquet,
)
from driftsched.results.files import io_errors, written_aside
from driftsched.simulation import simulate

if TYPE_CHECKING:
    from driftsched.results import RunResult

__all__ = ["add_arguments", "run"]

FORMATS = {
    "csv": ("FOLDER", "the four tables, metrics.csv and the scenario"),
    "parquet": ("FOLDER", "the four tables, as `run --out` writes them"),
    "paper": ("FOLDER", "metrics.csv, queue_depth.csv, telemetry.csv with the paper's columns"),
    "zip": ("FILE", "everything in one file"),
    "html": ("FILE", "the report: one page that opens offline"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_scenario(
        parser,
        policy=True,
        what="a saved run: its id in the library, or the folder that `run --out` wrote; or a "
        "preset's name or a YAML file, which is simulated first",
    )
    for name, (metavar, words) in FORMATS.items():
        parser.add_argument(f"--{name}", type=Path, metavar=metavar, help=words)


def run(args: argparse.Namespace) -> None:
    """Find or make the run, and write it in each format asked for."""
    wanted = {name: getattr(args, name) for name in FORMATS if getattr(args, name) is not None}
    if not wanted:
        options = ", ".join(f"--{name}" for name in FORMATS)
        raise InputError(f"export needs at least one of {options}, got none")
    result, command = _result(args)
    for name, path in wanted.items():
        _write(name, result, path, command)
        tell(f"written: {path}")


def _result(args: argparse.Namespace) -> tuple[RunResult, str]:
    """The run, and the command that repeats it."""
    saved = _saved(args.scenario)
    if saved is None:
        scenario = scenario_of(args)
        trace_report(scenario)
        with ProgressBar("simulating") as progress:
            return simulate(scenario, progress=progress), command_line(args)
    changes = changes_named(args)
    if changes:
        raise InputError(f"{changes[0]} must not be given for a saved run, got {args.scenario!r}")
    return saved, "python -m driftsched run scenario.yaml"


def _saved(source: str) -> RunResult | None:
    """The saved run of that name, or None where `source` is something to simulate."""
    if Path(source).is_dir():
        if not (Path(source) / "provenance.json").is_file():
            raise InputError(f"run folder must hold what `run --out` wrote, got {source!r}")
        return read_run(source)
    library = RunLibrary()
    return library.load(source) if source in set(library.list()["run_id"]) else None


def _write(name: str, result: RunResult, path: Path, command: str) -> None:
    if name == "csv":
        write_csv(result, path)
    elif name == "parquet":
        write_parquet(result, path)
    elif name == "paper":
        with io_errors(f"write to {path}"), written_aside(path) as aside:
            for file, table in paper_tables(result).items():
                (aside / file).write_bytes(csv_text(table).encode())
    else:
        report = html_report(result, report_figures(result), command)
        data = export_zip(result, command, report) if name == "zip" else report.encode()
        with io_errors(f"write {path}"):
            path.write_bytes(data)
