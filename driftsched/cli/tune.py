"""``tune``: search parameters for what is wanted, and judge them on what was not searched."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from loky import cpu_count
from pydantic import ValidationError

from driftsched.cli.arguments import add_scenario, names_in, numbers_in, scenario_of, up_to
from driftsched.cli.engine import compile_first
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar, tell
from driftsched.cli.summary import about
from driftsched.core.errors import InputError
from driftsched.core.home import home
from driftsched.experiments.sweeps import figure_of, scenario_at, workers
from driftsched.experiments.tuning import Candidate, Tuned, Tuning, default_space, tune
from driftsched.results.files import write_file
from driftsched.results.wording import counted, number, with_interval
from driftsched.scenario import apply_overrides, parse_scenario, to_yaml
from driftsched.scenario.differences import plain_data
from driftsched.scenario.messages import one_line


def tune_command(parser: argparse.ArgumentParser) -> Action:
    """Search parameters that beat the scenario's own, and say whether they do."""
    add_scenario(parser)
    parser.add_argument(
        "--over",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="a parameter as `sweep` has it, or aging.rate=0.001:0.1:log, for that policy alone; "
        "may be repeated (default: all policies and their numbers)",
    )
    parser.add_argument(
        "--metric",
        default="weighted_slo_attainment",
        metavar="NAMES",
        help="what is wanted, as `sweep` names it: p99_e2el_ms.TENANT, least_share, total_cost, …; "
        "several with commas give a front (default weighted_slo_attainment)",
    )
    parser.add_argument(
        "--drifts",
        type=numbers_in,
        default=(1.0, 0.5, 2.0),
        help="answers become so many times as long midway; the worst counts (default 1,0.5,2)",
    )
    parser.add_argument("--trials", type=up_to(100_000), default=100, help="default 100")
    parser.add_argument("--seeds", type=up_to(1000), default=4, help="of a trial (default 4)")
    parser.add_argument(
        "--held-out", type=up_to(10_000), default=20, help="unseen seeds to judge on (default 20)"
    )
    parser.add_argument(
        "--unseen",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="judge on other traffic: trace.file=other.csv, …; may be repeated",
    )
    parser.add_argument(
        "--processes", type=up_to(1024), default=cpu_count(), help="at once (default: all cores)"
    )
    parser.add_argument(
        "--storage",
        help="a database for Optuna, where a stopped search goes on (default: tuning.db in the "
        "home folder; optuna-dashboard opens it)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the tuned scenario")
    add_json(parser)
    return _tune


def _tune(args: argparse.Namespace) -> None:
    scenario = scenario_of(args)
    unseen = None
    if args.unseen:
        unseen = parse_scenario(apply_overrides(plain_data(scenario), args.unseen))
    try:
        tuning = Tuning(
            scenario=scenario,
            over=tuple(args.over) or default_space(scenario),
            objectives=tuple(names_in(args.metric)),
            drifts=args.drifts,
            seeds=args.seeds,
            held_out=args.held_out,
        )
    except ValidationError as error:
        raise InputError(one_line(error, Tuning, "tune")) from None
    storage = args.storage
    if storage is None:
        home().mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{home() / 'tuning.db'}"
    compile_first(scenario, args.trials * args.seeds * len(args.drifts))
    with workers(args.processes) as by, progress_bar("tuning") as progress:
        found = tune(tuning, args.trials, unseen=unseen, by=by, storage=storage, progress=progress)
    if args.out is not None and found.candidates:
        best = scenario_at(scenario, found.candidates[0].settings)
        write_file(args.out, to_yaml(best).encode())
        tell(f"the tuned scenario: {args.out}")
    if args.json:
        print_json(about(scenario) | _data(found))
    else:
        print(_text(found))


def _data(found: Tuned) -> dict[str, Any]:
    tuning = found.tuning
    own = {"searched": found.searched, "held_out": found.held_out}
    told: dict[str, Any] = {
        "metrics": tuning.objectives,
        "drifts": tuning.drifts,
        "over": tuning.over,
    }
    told |= {"trials": found.trials, "failed": found.failed, "says": found.says(), "own": own}
    return told | {"candidates": [_candidate(found, one) for one in found.candidates]}


def _candidate(found: Tuned, one: Candidate) -> dict[str, Any]:
    places = range(len(found.tuning.objectives))
    changes = [vars(change) for change in one.changes]
    gains = [found.gains(one, place) for place in places]
    return one._asdict() | {"changes": changes, "gains": gains}


def _text(found: Tuned) -> str:
    parts = [_table(found, place) for place in range(len(found.tuning.objectives))]
    settings = [
        f"{place}: {', '.join(f'{name}={number(v)}' for name, v in one.settings.items())}"
        for place, one in enumerate(found.candidates, start=1)
    ]
    parts += ["\n".join(settings), f"{found.says()}."]
    for reason, count in found.failed.items():
        parts.append(f"{counted(count, 'setting')} failed: {reason}")
    return "\n\n".join(part for part in parts if part)


def _table(found: Tuned, place: int) -> str:
    """One objective: the scenario as it is, then each candidate by its number."""
    figure = figure_of(found.tuning.objectives[place])

    def row(name: str, searched: float, unseen: float, change: str) -> list[str]:
        return [name, number(figure.times * searched), number(figure.times * unseen), change]

    rows = [row("as it is", found.searched[place], found.held_out[place], "")]
    for count, one in enumerate(found.candidates, start=1):
        change = one.changes[place]
        said = with_interval(100 * change.mean, 100 * change.low, 100 * change.high)
        rows.append(row(str(count), one.searched[place], one.held_out[place], f"{said} %"))
    return aligned([figure.label, "searched", "unseen", "change"], rows)
