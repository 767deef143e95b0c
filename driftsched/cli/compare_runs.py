"""``compare RUN RUN …``: saved runs beside one of them, the baseline; tables, files, a report."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from driftsched.charts.comparison import Compared, comparison_sections, metric_rows
from driftsched.charts.html_page import html_page, markdown_page
from driftsched.cli.arguments import changes_named, command_line, load_run
from driftsched.cli.output import aligned, print_json, progress_bar, tell
from driftsched.core.errors import InputError
from driftsched.experiments.beside_words import run_names
from driftsched.experiments.run_figures import LATENCY
from driftsched.experiments.side_by_side import SideBySide, replications
from driftsched.results import RunLibrary, RunResult, csv_text
from driftsched.results.files import write_file
from driftsched.results.wording import joined
from driftsched.scenario import Scenario, with_policy
from driftsched.simulation import simulate

FILES = {
    "csv": "all figures as a table, a row a run, group and metric",
    "html": "the report: one page that opens offline",
    "markdown": "its tables and words",
}
KEYS = ("value", "low", "high", "change", "change_low", "change_high", "paired")


def add_beside(parser: argparse.ArgumentParser) -> None:
    """Add what runs are compared by, and the files that a comparison may be written to."""
    parser.add_argument("--baseline", metavar="RUN", help="of saved runs; the first by default")
    parser.add_argument(
        "--metric",
        choices=LATENCY,
        metavar="METRIC",
        default="p99_e2el_ms",
        help="what the sentence on saved runs and the report are about (default p99_e2el_ms)",
    )
    for name, words in FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=words)


def saved(source: str) -> bool:
    """Whether that is a saved run, not a scenario."""
    return Path(source).is_dir() or source in RunLibrary()


def compare_runs(args: argparse.Namespace) -> None:
    """Compare saved runs."""
    sources = [args.scenario, *args.runs]
    given = changes_named(args) + (["--policies"] if args.policies else [])
    if given:
        raise InputError(f"{given[0]} must not be given for saved runs, got {joined(sources)}")
    if len(set(sources)) < len(sources):
        raise InputError(f"runs to compare must be named once each, got {joined(sources)}")
    baseline = args.baseline or sources[0]
    if baseline not in sources:
        raise InputError(f"baseline must be one of {', '.join(sources)}, got {baseline!r}")
    results = [load_run(source) for source in sources]
    names = dict(zip(run_names(results), sources, strict=True))
    base = next(name for name, source in names.items() if source == baseline)
    beside = _repeated(dict(zip(names, results, strict=True)), base, args.seeds)
    compared = Compared.of(beside)
    _write(args, compared, names, "")
    if args.json:
        print_json(_data(compared, names, args.metric))
    else:
        print(_text(compared, names, args.metric))


def write_policies(args: argparse.Namespace, scenario: Scenario, policies: Sequence[str]) -> None:
    """Write the files asked for of a comparison of policies."""
    if not any(getattr(args, name) for name in FILES):
        return
    runs = [simulate(with_policy(scenario, policy)) for policy in policies]
    beside = _repeated(dict(zip(run_names(runs), runs, strict=True)), "", args.seeds)
    again = command_line(args).replace(" run ", " compare ", 1)
    more = ["--policies", ",".join(policies), "--seeds", str(args.seeds)]
    _write(args, Compared.of(beside), {}, f"{again} {shlex.join(more)}")


def _repeated(runs: Mapping[str, RunResult], baseline: str, seeds: int) -> SideBySide:
    sides = {}
    with progress_bar("comparing") as progress:
        for place, (name, run) in enumerate(runs.items()):
            sides[name] = replications(run, seeds)
            progress((place + 1) / len(runs))
    return SideBySide(sides, baseline)


def _write(
    args: argparse.Namespace, compared: Compared, runs: Mapping[str, str], command: str
) -> None:
    title = joined(list(compared.colours))
    sections = comparison_sections(compared, runs, args.metric, command)
    for name in FILES:
        path: Path | None = getattr(args, name)
        if path is None:
            continue
        if name == "csv":
            text = csv_text(compared.table)
        else:
            text = (html_page if name == "html" else markdown_page)(title, sections)
        write_file(path, text.encode())
        tell(f"written: {path}")


def _data(compared: Compared, runs: Mapping[str, str], metric: str) -> dict[str, Any]:
    """A comparison as one JSON object: run → group → metric → figure, ends, change."""
    found: dict[str, Any] = {name: {"run": source} for name, source in runs.items()}
    for row in compared.table.to_dict(orient="records"):
        group = found[row["run"]]
        if row["scope"] != "overall":
            group = group.setdefault(f"by_{row['scope']}", {}).setdefault(row["name"], {})
        group[row["metric"]] = {key: row[key] for key in KEYS}
    return {
        "baseline": compared.baseline,
        "seeds": compared.seeds,
        "verdict": compared.sentence(metric).replace("**", ""),
        "how_sure": compared.how_sure,
        "runs": found,
        "differing": compared.differing.to_dict(orient="index"),
    }


def _text(compared: Compared, runs: Mapping[str, str], metric: str) -> str:
    parts = [aligned(["run", "is"], [[name, source] for name, source in runs.items()])]
    for table in (metric_rows(compared), compared.differing.reset_index()):
        rows = [[str(cell) for cell in row] for row in table.itertuples(index=False)]
        parts.append(aligned(list(map(str, table.columns)), rows))
    parts += [compared.sentence(metric).replace("**", ""), compared.how_sure]
    return "\n\n".join(parts)
