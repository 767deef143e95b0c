"""``paper``: a paper's claims beside what the runs give; DriftSched's under other assumptions."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from driftsched.cli.arguments import add_scenario, changed_by, scenario_of, tell_trace, up_to
from driftsched.cli.main import Action
from driftsched.cli.output import add_json, aligned, print_json, progress_bar
from driftsched.cli.summary import about
from driftsched.core.errors import InputError
from driftsched.experiments.papers import DRIFTSCHED, PAPERS
from driftsched.experiments.sensitivities import moves, sensitivities
from driftsched.results.wording import with_interval

if TYPE_CHECKING:
    import pandas as pd


def paper_command(parser: argparse.ArgumentParser) -> Action:
    """Repeat a published experiment and print each claim, published and here."""
    what = f"a paper ({', '.join(PAPERS)}), or DriftSched's in a preset or a YAML file"
    add_scenario(parser, what=f"{what} (default paper)", needed=False)
    parser.add_argument(
        "--seeds", type=up_to(10_000), default=10, metavar="N", help="how many (default 10)"
    )
    parser.add_argument(
        "--assumptions",
        action="store_true",
        help="also with one assumption changed at a time, and by phase and tenant",
    )
    add_json(parser)
    return _paper


def _paper(args: argparse.Namespace) -> None:
    name = args.scenario if args.scenario in PAPERS else DRIFTSCHED
    paper = PAPERS[name]
    if name == DRIFTSCHED:
        args.scenario = "paper" if args.scenario in (None, name) else args.scenario
        scenarios = {"paper": scenario_of(args)}
    else:
        scenarios = {of: changed_by(args, one) for of, one in paper.scenarios.items()}
    scenario = next(iter(scenarios.values()))
    unit, mode, lengths = scenario.estimator.unit, scenario.engine.mode, scenario.lengths
    if args.assumptions and name != DRIFTSCHED:
        raise InputError(f"--assumptions must be left out but for {DRIFTSCHED}, got it for {name}")
    trace = tell_trace(scenario)
    with progress_bar("repeating") as progress:
        found = paper.judge(scenarios, args.seeds, progress)
    claims, table = found.claims, None
    if args.assumptions:
        with progress_bar("assuming") as progress:
            table = sensitivities(
                scenario, seeds=args.seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
            )
    if args.json:
        data = about(scenario) | {"seeds": args.seeds, "claims": claims.to_dict("records")} | trace
        data |= {"paper": name, "source": paper.source, "assumed": found.assumptions}
        if table is not None:
            data |= {"assumptions": table.to_dict("records"), "moves": moves(table)}
        print_json(data)
        return
    print(_claims(claims))
    if table is not None:
        print(f"\n{_assumptions(table)}\n\n{moves(table)}")


def _claims(claims: pd.DataFrame) -> str:
    rows = [
        [claim, _percent(published), with_interval(*ours), "yes" if holds else "no"]
        for claim, published, *ours, holds in claims.iloc[:, :6].itertuples(index=False, name=None)
    ]
    return aligned(["claim", "published (%)", "here (%)", "holds"], rows)


def _percent(value: float) -> str:
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}") if math.isfinite(value) else "–"


def _assumptions(table: pd.DataFrame) -> str:
    """A row an assumption, a column a claim; on top what was published."""
    published = table.drop_duplicates("claim").set_index("claim")["published_percent"]
    rows = [["published", *map(_percent, published)]]
    for assumption, mine in table.groupby("assumption", sort=False):
        ends = mine[["ours_percent", "low", "high"]].itertuples(index=False, name=None)
        rows.append([str(assumption), *(with_interval(*each) for each in ends)])
    return aligned(["assumption", *(f"{claim} (%)" for claim in map(str, published.index))], rows)
