"""What the pool is asked for.

Each function imports what it needs when it is called, so that the server can name it without
loading the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import ScenarioError
from driftsched.studio.jobs import Apart

if TYPE_CHECKING:
    import pandas as pd

    from driftsched.experiments import Ensemble, PaperResult
    from driftsched.experiments.lab_report import LabReport
    from driftsched.experiments.life import Life
    from driftsched.results.tables import RunResult
    from driftsched.scenario import Scenario

__all__ = [
    "AT_ONCE",
    "bytes_of",
    "check_amount",
    "engine_ready",
    "ensemble",
    "lab",
    "load_sweep",
    "one_life",
    "paper",
    "repeated",
    "seconds",
    "single_run",
    "trace_fit",
    "trace_report",
    "worth",
]

AT_ONCE = 2_000_000
"""Up to so many requests in all are simulated in the server's own threads."""
MOST_REQUESTS, MOST_TOKENS = 2_000_000, 2_000_000_000
"""What one piece of work may simulate, all its repetitions together."""
PER_S = 20_000
"""Requests that are simulated in a second, about, for guesses at how long something takes."""
_loading = threading.Lock()

Progress = Callable[[float], None]


def bytes_of(result: Any) -> int:
    """How much memory a result takes, about: its arrays, each once."""
    arrays: dict[int, int] = {}
    left, seen = [result], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if hasattr(one, "memory_usage"):  # a table
            arrays[id(one)] = int(one.memory_usage().sum())
        elif hasattr(one, "nbytes"):
            arrays[id(one)] = int(one.nbytes)
        elif isinstance(one, list | tuple):
            left += one
        else:
            left += (one if isinstance(one, dict) else getattr(one, "__dict__", {})).values()
    return sum(arrays.values()) + 1000


def _amount(args: Sequence[Any]) -> tuple[float, float]:
    """Requests and answers' tokens that work simulates: its scenarios', times its repetitions."""
    times = prod(arg for arg in args if isinstance(arg, int))
    requests = tokens = 0.0
    for scenario in (arg for arg in args if hasattr(arg, "phases")):
        expected = times * sum(phase.expected_requests for phase in scenario.phases)
        longest = max(min(c.output_tokens.mean, c.max_output_tokens) for c in scenario.categories)
        requests, tokens = requests + expected, tokens + expected * longest
    return requests, tokens


def seconds(args: Sequence[Any]) -> float:
    """Guess how long work of these arguments takes."""
    return _amount(args)[0] / PER_S


def check_amount(args: Sequence[Any]) -> None:
    """Refuse work that would fill the server's memory or its time, before it begins.

    Raises
    ------
    ScenarioError
        One line: what, the limit, the amount.
    """
    limits = {"requests": MOST_REQUESTS, "tokens of answers": MOST_TOKENS}
    for (what, most), asked in zip(limits.items(), _amount(args), strict=True):
        if asked > most:
            raise ScenarioError(
                f"one picture must need at most {most:,} {what} in all, repetitions included, got "
                f"{asked:,.0f}; the command line has no such limit"
            )


def engine_ready() -> bool:
    """Whether the compiled engine can run now; loads it where it has been compiled before."""
    from driftsched.simulation.compiled import at_hand, warm_up

    if not at_hand():
        return False
    with _loading:
        warm_up()
    return True


def ensemble(
    replications: int, names: Sequence[str], *scenarios: Scenario, progress: Progress
) -> Ensemble | Apart:
    """Run several policies on the same replications, here where the compiled engine can soon."""
    from driftsched.experiments import run_ensemble

    variants = dict(zip(names, scenarios, strict=True))
    drawn = all(scenario.trace is None for scenario in scenarios)  # a file is read apart
    if drawn and engine_ready() and _amount((replications, *scenarios))[0] <= AT_ONCE:
        try:
            return run_ensemble(variants, replications, engine="compiled", progress=progress)
        except ScenarioError:  # the other engine knows more; or it says the same
            pass
    return Apart(ensemble_apart, (replications, names, *scenarios))


def ensemble_apart(
    replications: int, names: Sequence[str], *scenarios: Scenario, progress: Progress
) -> Ensemble:
    """Run several policies on the same replications, on whatever engine covers them."""
    from driftsched.experiments import run_ensemble

    variants = dict(zip(names, scenarios, strict=True))
    return run_ensemble(variants, replications, progress=progress)


def lab(
    streams: int,
    settings: tuple[str, float, float, int],
    kinds: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,  # noqa: ARG001  it takes a blink
) -> LabReport:
    """Follow drawn streams, or a scenario's own; see `driftsched.experiments.lab_report`."""
    from driftsched.experiments.lab import compensators_named, draw_stream, stream_of
    from driftsched.experiments.lab_report import lab_report
    from driftsched.scenario.estimator import SizeClasses
    from driftsched.workload import generate

    kind, spread, effect, late = settings
    found = {name: spec for name, spec in compensators_named(kinds).items() if name in kinds}
    if not scenarios:
        drawn = [
            draw_stream(kind, spread, seed, tenant_effect=effect, prompt_effect=effect, late=late)
            for seed in range(streams)
        ]
        return lab_report(drawn, found, SizeClasses())
    (scenario,) = scenarios
    seeds = range(scenario.seed, scenario.seed + (streams if scenario.trace is None else 1))
    own = [stream_of(scenario, generate(scenario, seed), late) for seed in seeds]
    return lab_report(own, found, scenario.estimator.size_classes)


def worth(
    replications: int,
    policy: str,
    names: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,
) -> pd.DataFrame:
    """Serve a scenario under several estimators; see `driftsched.experiments.worth`."""
    from driftsched.experiments.worth import worth

    asked = dict(zip(names, scenarios, strict=True))
    return worth(asked, [policy], replications, progress=progress)


def load_sweep(
    replications: int,
    percentile: float,
    names: Sequence[str],
    *scenarios: Scenario,
    progress: Progress,
) -> pd.DataFrame:
    """Run several policies at several loads; see `driftsched.experiments.load_sweep`."""
    from driftsched.experiments.load_sweep import load_sweep

    variants = dict(zip(names, scenarios, strict=True))
    return load_sweep(variants, replications, percentile=percentile, progress=progress)


def paper(
    scenario: Scenario, seeds: int, unit: str, mode: str, lengths: str, *, progress: Progress
) -> PaperResult:
    """Repeat the published experiment; see `driftsched.experiments.reproduce`."""
    from driftsched.experiments import reproduce

    return reproduce(
        scenario, seeds=seeds, unit=unit, mode=mode, lengths=lengths, progress=progress
    )


def repeated(
    scenario: Scenario, seeds: int, metrics: Sequence[str], *, progress: Progress
) -> dict[str, tuple[float, float, float]]:
    """Figures of a scenario over several seeds; see `driftsched.experiments.repeat`."""
    from driftsched.experiments import repeat

    return repeat(scenario, seeds, metrics, progress=progress)


def one_life(scenario: Scenario, request: str, *, progress: Progress) -> Life:  # noqa: ARG001
    """Tell of one request of the scenario's run, by its id; see `driftsched.experiments.life`."""
    from driftsched.experiments.life import life

    return life(scenario, int(request))


def single_run(scenario: Scenario, *, progress: Progress) -> RunResult:
    """Run the scenario once, under its own policy."""
    from driftsched.simulation import simulate

    return simulate(scenario, progress=progress)


def trace_report(
    scenario: Scenario, *, progress: Progress
) -> tuple[dict[str, int], tuple[str, ...], pd.DataFrame, int]:
    """Read a scenario's trace: counts, what was done to it, its problems and how many they are."""
    import pandas as pd

    from driftsched.core.home import trace_path
    from driftsched.workload import import_trace

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
    from driftsched.core.home import trace_path
    from driftsched.scenario import to_yaml
    from driftsched.workload.fit import fit_trace

    assert scenario.trace is not None
    base, name = scenario if keep else None, f"{scenario.name[:33]}-fitted"
    found = fit_trace(trace_path(scenario.trace.file), scenario.trace, base, name)
    return to_yaml(found.scenario), found.table(), found.curves()
