"""What the pool is asked for, and how much of it a visitor may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from math import inf, prod
from typing import Any

import pandas as pd

from driftsched.charts.comparison import Compared
from driftsched.core.errors import InputError, ScenarioError, TraceError
from driftsched.core.home import trace_path
from driftsched.estimation.detectors import DETECTORS
from driftsched.experiments import capacity as sizes
from driftsched.experiments import load_sweep as sweeps
from driftsched.experiments.beside_words import run_names
from driftsched.experiments.capacity import Capacity
from driftsched.experiments.fleet import Fleet, fewest_gpus, prices_of
from driftsched.experiments.forecast import Forecast, forecast
from driftsched.experiments.goal import Goal
from driftsched.experiments.lab import compensators_named, draw_stream, stream_of
from driftsched.experiments.lab_report import LabReport, lab_report
from driftsched.experiments.life import Life, life
from driftsched.experiments.papers import PAPERS, Reproduction
from driftsched.experiments.sensitivities import moves, sensitivities
from driftsched.experiments.side_by_side import SideBySide, is_live, replications
from driftsched.experiments.sweeps import plan, run_sweep, scenario_at
from driftsched.experiments.worth import worth as experiments_worth
from driftsched.results import RunLibrary
from driftsched.scenario import Scenario, to_yaml
from driftsched.scenario.estimator import SizeClasses
from driftsched.simulation import simulate
from driftsched.studio.traces import check_browser_scenario
from driftsched.workload import generate, import_trace
from driftsched.workload.fit import fit_trace
from driftsched.workload.traces.textfile import MAX_BYTES, size_of

MOST_REQUESTS, MOST_TOKENS, MOST_IN_ONE_RUN = 2_000_000, 2_000_000_000, 500_000
"""What one piece of work may simulate: requests and tokens of all its replications together, and
requests of one run."""
PER_S = 20_000
"""Requests that are simulated in a second, about, for guesses at how long something takes."""
Progress = Callable[[float], None]


def _scenarios(args: Sequence[Any]) -> Iterator[Scenario]:
    for arg in args:
        if isinstance(arg, Scenario):
            yield arg
        elif isinstance(arg, Mapping):
            yield from arg.values()


def expected_requests(scenario: Scenario) -> float:
    """How many requests one run of it has, about; 0 for a window of a trace, not known unread."""
    if (trace := scenario.trace) is None:
        return sum(phase.expected_requests for phase in scenario.phases)
    if trace.from_s or trace.until_s is not None:
        return 0.0
    return min(trace.sample * trace.sample_clients * _rows(trace.file), trace.limit or inf)


@lru_cache(maxsize=64)
def _rows(file: str) -> int:
    """Rows of an uploaded file, which its name tells from all others."""
    try:
        return size_of(trace_path(file), MAX_BYTES)[1]
    except TraceError:
        return 0  # said where it is read


def _amount(args: Sequence[Any]) -> tuple[float, float]:
    """Requests and answers' tokens that work simulates: its scenarios', times its replications."""
    times = prod(arg for arg in args if isinstance(arg, int))
    requests = tokens = 0.0
    for scenario in _scenarios(args):
        expected = times * expected_requests(scenario)
        longest = max(min(c.output_tokens.mean, c.max_output_tokens) for c in scenario.categories)
        requests, tokens = requests + expected, tokens + expected * longest
    return requests, tokens


def seconds(args: Sequence[Any]) -> float:
    """Guess how long work of these arguments takes."""
    return _amount(args)[0] / PER_S


def check_amount(args: Sequence[Any]) -> None:
    """Refuse work that would fill the server's memory or its time, by a ``ScenarioError``."""
    requests, tokens = _amount(args)
    longest = max((expected_requests(scenario) for scenario in _scenarios(args)), default=0)
    for what, most, asked in (
        ("requests in all, replications included", MOST_REQUESTS, requests),
        ("tokens of answers in all, replications included", MOST_TOKENS, tokens),
        ("requests in one run", MOST_IN_ONE_RUN, longest),
    ):
        if asked > most:
            raise ScenarioError(
                f"One picture must need at most {most:,} {what}, got {asked:,.0f}; the command "
                "line has no such limit"
            )


def engine_ready() -> bool:
    """Whether the compiled engine has been compiled on this machine, for the workers to load."""
    from driftsched.simulation.compiled import at_hand

    return at_hand()


def lab(
    streams: int,
    settings: tuple[str, float, float, int, str],
    kinds: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,  # noqa: ARG001  it takes a blink
) -> LabReport:
    """Follow drawn streams, or a scenario's own; see `driftsched.experiments.lab_report`."""
    kind, spread, effect, late, watcher = settings
    found = compensators_named(kinds)
    detector = DETECTORS[watcher].model_validate({"kind": watcher})
    if not scenarios:
        drawn = [
            draw_stream(kind, spread, seed, tenant_effect=effect, prompt_effect=effect, late=late)
            for seed in range(streams)
        ]
        return lab_report(drawn, found, SizeClasses(), detector)
    (scenario,) = scenarios
    seeds = range(scenario.seed, scenario.seed + (streams if scenario.trace is None else 1))
    own = [stream_of(scenario, generate(scenario, seed), late) for seed in seeds]
    return lab_report(own, found, scenario.estimator.size_classes, detector)


def worth(
    replications: int,
    policy: str,
    names: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,
) -> pd.DataFrame:
    """Serve a scenario under several estimators; see `driftsched.experiments.worth`."""
    asked = dict(zip(names, scenarios, strict=True))
    return experiments_worth(asked, [policy], replications, progress=progress)


def side_by_side(
    runs: Sequence[str],
    baseline: str,
    seeds: int,
    at_hand: Mapping[str, Scenario],
    *,
    progress: Progress,
) -> Compared:
    """Compare saved runs by their ids, and those of scenarios by the names in `at_hand`.

    Live runs, and runs of too many requests, stand there alone, with no replications.
    """
    library = RunLibrary()
    results = []
    for place, run in enumerate(runs):
        results.append(simulate(at_hand[run]) if run in at_hand else library.load(run))
        progress((place + 1) / len(runs) / seeds)
    names = run_names(results)
    many = seeds * sum(len(result.requests) for result in results) > MOST_IN_ONE_RUN
    if many or any(map(is_live, results)):
        seeds = 1
    sides = {}
    for place, (name, result) in enumerate(zip(names, results, strict=True)):
        sides[name] = replications(result, seeds)
        progress((1 + (seeds - 1) * (place + 1) / len(runs)) / seeds)
    return Compared.of(SideBySide(sides, names[runs.index(baseline)]))


def load_sweep(
    variants: Mapping[str, Scenario],
    replications: int,
    percentile: float,
    metric: str,
    who: Sequence[str],
    *,
    progress: Progress,
) -> pd.DataFrame:
    """Run several policies at several loads; see `driftsched.experiments.load_sweep`."""
    return sweeps.load_sweep(
        variants, replications, metric=metric, percentile=percentile, who=who, progress=progress
    )


def capacities(
    variants: Mapping[str, Scenario],
    seeds: int,
    goal: tuple[str, float, str],
    *,
    progress: Progress,
) -> dict[str, Capacity]:
    """How much load each policy can take; see `driftsched.experiments.capacity`."""
    return sizes.capacities(variants, Goal(*goal), most_seeds=seeds, progress=progress)


def fleets(
    scenario: Scenario,
    seeds: int,
    goal: tuple[str, float, str],
    gpus: str,
    *,
    progress: Progress,
) -> list[Fleet]:
    """How many GPUs a goal needs, by kind; see `driftsched.experiments.fleet`."""
    return fewest_gpus(scenario, Goal(*goal), prices_of(gpus), seeds=seeds, progress=progress)


def sweep(
    scenario: Scenario,
    seeds: int,
    size: int,
    over: Sequence[str],
    sample: str,
    *,
    progress: Progress,
) -> pd.DataFrame:
    """Run a sweep of `size` points at most; see `driftsched.experiments.sweeps`."""
    asked = plan(scenario, over, sample=sample, seeds=seeds)
    points = []
    for point in asked.points[:size]:
        with suppress(InputError):  # a row of the table will say so
            points.append(scenario_at(scenario, point.settings))
    for one in points:
        check_browser_scenario(one)
    # a parameter may be the number of requests
    check_amount((seeds, dict(enumerate(points))))
    return run_sweep(asked, progress=progress)


def paper(
    name: str, seeds: int, scenarios: Mapping[str, Scenario], *, progress: Progress
) -> Reproduction:
    """Repeat a published experiment, by its name; see `driftsched.experiments.papers`."""
    return PAPERS[name].judge(scenarios, seeds, progress)


def paper_assumptions(
    scenario: Scenario, seeds: int, unit: str, mode: str, lengths: str, *, progress: Progress
) -> tuple[pd.DataFrame, str]:
    """Repeat it with other assumptions; see `driftsched.experiments.sensitivities`."""
    table = sensitivities(
        scenario, seeds=seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
    )
    return table, moves(table)


def one_life(scenario: Scenario, request: str, *, progress: Progress) -> Life:  # noqa: ARG001
    """Tell of one request of the scenario's run, by its id; see `driftsched.experiments.life`."""
    return life(scenario, int(request))


def short_run(scenario: Scenario, *, progress: Progress) -> Forecast:  # noqa: ARG001  a blink
    """What to expect of the scenario; see `driftsched.experiments.forecast`."""
    return forecast(scenario)


def trace_report(
    scenario: Scenario, *, progress: Progress
) -> tuple[dict[str, int], tuple[str, ...], pd.DataFrame, int]:
    """Read a scenario's trace: counts, what was done to it, its problems and how many they are."""
    assert scenario.trace is not None
    report = import_trace(scenario, trace_path(scenario.trace.file), progress=progress)
    numbers = {
        "Rows read": report.rows_read,
        "Requests": report.rows_taken,
        "Left out": report.rows_skipped,
        "Cut to the context": report.rows_cut,
        "Over the context": report.rows_too_long,
    }
    problems = pd.DataFrame(
        [(p.line, p.column, p.message, p.value[:60]) for p in report.problems],
        columns=["Line", "Column", "Problem", "Value"],
    )
    return numbers, report.rules, problems, report.problem_count


def trace_fit(
    scenario: Scenario,
    keep: bool,
    *,
    progress: Progress,  # noqa: ARG001  a fit takes a blink
) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Fit a scenario to its trace: its YAML, a table of the fits, their curves."""
    assert scenario.trace is not None
    base, name = scenario if keep else None, f"{scenario.name[:33]}-fitted"
    found = fit_trace(trace_path(scenario.trace.file), scenario.trace, base, name)
    return to_yaml(found.scenario), found.table(), found.curves()
