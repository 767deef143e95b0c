"""``calibrate``: fit the cost model to a live run, or to a probe sweep of an engine."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from driftsched.cli.arguments import load_run, up_to
from driftsched.cli.live import add_engine, live_options
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar, tell
from driftsched.core.errors import InputError
from driftsched.live.calibration import Calibration, calibrate, calibrate_run
from driftsched.live.hardware_entry import entry_of, known_within, r2_text, warnings_of, write_entry
from driftsched.live.iteration_table import read_iteration_table
from driftsched.live.probe import ProbePlan, probe
from driftsched.results.files import write_file


def calibrate_command(parser: argparse.ArgumentParser) -> Action:
    """Calibrate, write the entry, print coefficients and fit."""
    parser.add_argument(
        "run", nargs="?", help="a run's folder or its id in the library; without it, a probe sweep"
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="others' measurements instead: a CSV of iterations, ms and decode_requests, "
        "context_tokens, prompts, prompt_tokens",
    )
    add_engine(parser, required=False)
    parser.add_argument(
        "--batch", type=up_to(1024), default=ProbePlan.batch, help="probe: most requests at once"
    )
    for name, default, what in (
        ("--prompt-words", ProbePlan.prompt_words, "prompts"),
        ("--output-tokens", ProbePlan.output_tokens, "answers"),
    ):
        parser.add_argument(
            name,
            type=up_to(100_000),
            nargs="+",
            metavar="N",
            default=default,
            help=f"probe: lengths of {what}",
        )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a hardware entry (YAML)")
    parser.add_argument(
        "--residuals", type=Path, metavar="FILE", help="write every observation as CSV"
    )
    add_json(parser)
    return _calibrate


def _calibrate(args: argparse.Namespace) -> None:
    if sum(one is not None for one in (args.run, args.table, args.engine)) != 1:
        raise InputError("calibrate needs one of a run, --table, and --engine for a probe sweep")
    if args.table is not None:
        calibration = calibrate(read_iteration_table(args.table), args.table.name)
    else:
        calibration = calibrate_run(load_run(args.run)) if args.run else _probe(args)
    entry = entry_of(calibration)
    for warning in warnings_of(entry.fit):
        tell(warning)
    if args.out is not None:
        write_entry(entry, args.out)
        tell(f"written to {args.out}")
    if args.residuals is not None:
        write_file(args.residuals, calibration.residuals.to_csv(index=False).encode())
        tell(f"written to {args.residuals}")
    if args.json:
        print_json(entry.model_dump(mode="json") | {"warnings": warnings_of(entry.fit)})
    else:
        print(_text(calibration))


def _probe(args: argparse.Namespace) -> Calibration:
    plan = ProbePlan(args.batch, tuple(args.prompt_words), tuple(args.output_tokens))
    engine = live_options(args).engine.build()
    with progress_bar("probing") as progress:
        calibration, facts = asyncio.run(probe(engine, plan, progress))
    for note in facts.notes:
        tell(note)
    return calibration


def _text(calibration: Calibration) -> str:
    rows = [
        [name, f"{value:.4g}", known_within(value, calibration.errors[name])]
        for name, value in calibration.coefficients.items()
    ]
    fit = calibration.fit
    median, most = (100 * fit[f"{name}_relative_error"] for name in ("median", "p90"))
    handover = calibration.handover_iterations
    known = handover == handover
    return "\n\n".join(
        [
            calibration.source,
            aligned(["coefficient", "seconds", "standard error"], rows),
            f"{fit['observations']:.0f} stretches of {fit['iterations']:.0f} iterations, "
            f"{r2_text(fit)}, error of their times: median {median:.1f} %, P90 {most:.1f} %; "
            "handover of a free place: " + (f"{handover:g} iterations" if known else "not seen"),
        ]
    )
