"""``export``: a run as files for others, from the library, a folder, or simulated for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from driftsched.charts.report import html_report, markdown_report, report_figures
from driftsched.cli.arguments import (
    add_scenario,
    changes_named,
    command_line,
    load_run,
    scenario_of,
    tell_trace,
)
from driftsched.cli.main import Action
from driftsched.cli.output import progress_bar, tell
from driftsched.core.errors import InputError
from driftsched.results import RunLibrary, RunResult, export_zip, write_csv, write_parquet
from driftsched.results.export import write_paper
from driftsched.results.files import write_file
from driftsched.simulation import simulate

REPEATED = "python -m driftsched run scenario.yaml"
"""What repeats a saved run, beside the scenario in its ZIP."""
FORMATS = {
    "csv": ("FOLDER", "the four tables, metrics.csv and the scenario"),
    "parquet": ("FOLDER", "the four tables, as `run --out` writes them"),
    "paper": ("FOLDER", "metrics.csv, queue_depth.csv, telemetry.csv with the paper's columns"),
    "zip": ("FILE", "everything in one file"),
    "html": ("FILE", "the report: one page that opens offline"),
    "markdown": ("FILE", "its tables and words"),
}


def export_command(parser: argparse.ArgumentParser) -> Action:
    """Find or make the run, and write it in each format asked for."""
    add_scenario(
        parser,
        policy=True,
        what="a saved run: its id in the library, or the folder that `run --out` wrote; or a "
        "preset's name or a YAML file, which is simulated first",
    )
    for name, (metavar, words) in FORMATS.items():
        parser.add_argument(f"--{name}", type=Path, metavar=metavar, help=words)
    return _export


def _export(args: argparse.Namespace) -> None:
    wanted = {name: getattr(args, name) for name in FORMATS if getattr(args, name) is not None}
    if not wanted:
        options = ", ".join(f"--{name}" for name in FORMATS)
        raise InputError(f"export needs at least one of {options}, got none")
    result, command = _result(args)
    about = RunLibrary().about(args.scenario) if args.scenario in RunLibrary() else ""
    for name, path in wanted.items():
        _write(name, result, path, command, about)
        tell(f"written: {path}")


def _result(args: argparse.Namespace) -> tuple[RunResult, str]:
    """The run, and the command that repeats it."""
    saved = _saved(args.scenario)
    if saved is None:
        scenario = scenario_of(args)
        tell_trace(scenario)
        with progress_bar("simulating") as progress:
            return simulate(scenario, progress=progress), command_line(args)
    changes = changes_named(args)
    if changes:
        raise InputError(f"{changes[0]} must not be given for a saved run, got {args.scenario!r}")
    return saved, REPEATED


def _saved(source: str) -> RunResult | None:
    """The saved run of that name, or None where `source` is something to simulate."""
    folder = Path(source)
    if folder.is_dir() and not (folder / "provenance.json").is_file():
        raise InputError(f"run folder must hold what `run --out` wrote, got {source!r}")
    known = folder.is_dir() or source in RunLibrary()
    return load_run(source) if known else None


def _write(name: str, result: RunResult, path: Path, command: str, about: str) -> None:
    if name == "csv":
        write_csv(result, path)
    elif name == "parquet":
        write_parquet(result, path)
    elif name == "paper":
        write_paper(result, path)
    elif name == "markdown":
        write_file(path, markdown_report(result, command).encode())
    else:
        report = html_report(result, report_figures(result), command)
        data = export_zip(result, command, report, about) if name == "zip" else report.encode()
        write_file(path, data)
