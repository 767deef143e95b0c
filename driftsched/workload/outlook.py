"""Load over time: stretches of the traffic, each with its ρ and the queue it leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.workload.drift import drift_marks
from driftsched.workload.generate import generate
from driftsched.workload.load import capacity
from driftsched.workload.table import Segment, Workload, nominal_starts

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario

__all__ = ["Stretch", "load_over_time", "stretches_frame"]

PARTS = 12
LEAST_ROWS = 100
GRADUAL = {"seasonal", "random_walk"}


@dataclass(frozen=True)
class Stretch:
    """A part of a phase with about one load.

    Attributes
    ----------
    phase : str
    from_s, to_s : float
        On the nominal clock.
    rate_rps : float
        Expected arrivals a second; of a closed loop the most its users can ask for.
    saturation_rps : float
        What the cluster can serve of these lengths.
    rho : float
        Their ratio.
    closed : bool
        Whether all arrivals wait for answers: then no queue grows past the number of users.
    entered : float
        Requests waiting at its beginning.
    backlog : float
        Requests waiting at its end, if everything flowed evenly (fluid limit).
    wait_s : float
        How long a newcomer would wait then.
    """

    phase: str
    from_s: float
    to_s: float
    rate_rps: float
    saturation_rps: float
    rho: float
    closed: bool = False
    entered: float = 0.0
    backlog: float = 0.0
    wait_s: float = 0.0


def load_over_time(scenario: Scenario, workload: Workload | None = None) -> tuple[Stretch, ...]:
    """Estimate the load of each stretch between changes: phases, drift, changing rates.

    Lengths are those of the requests that come in a stretch, drift included. A phase whose rate or
    whose lengths change gradually is cut into twelve stretches.

    Raises
    ------
    ScenarioError
        The model does not fit the GPU, or there is no request.
    TraceError
        The trace cannot be read.
    """
    workload = generate(scenario) if workload is None else workload
    starts = nominal_starts(workload.segments)
    marks = [at for at, _ in drift_marks(scenario, workload.segments)]
    found: list[Stretch] = []
    for number, (segment, start) in enumerate(zip(workload.segments, starts, strict=True)):
        if segment.stop == segment.first:
            continue
        cuts = _cuts(scenario, number, segment, [at - start for at in marks])
        for low, high in pairwise(cuts):
            found.append(_stretch(scenario, workload, number, start, (low, high)))
    return tuple(_with_backlog(found, workload.segments))


def stretches_frame(stretches: Sequence[Stretch]) -> pd.DataFrame:
    """One row a stretch: the fields of `Stretch`."""
    return pd.DataFrame([asdict(stretch) for stretch in stretches])


def _cuts(scenario: Scenario, number: int, segment: Segment, marks: list[float]) -> list[float]:
    """Ends of a phase's stretches in seconds since its start."""
    span = segment.duration_s or 1.0
    cuts = {0.0, span, *(at for at in marks if 0 < at < span)}
    changing = scenario.trace is not None or any(
        event.kind in GRADUAL or (event.ends() and not hasattr(event, "for_s"))
        for event in scenario.drift
    )
    if scenario.trace is None:
        grid = np.linspace(0, span, 50)
        rates = [process.rate_at(grid) for process in scenario.phases[number].processes]
        changing = changing or any(np.ptp(rate) > 1e-9 * rate.max() for rate in rates)
    if changing:
        cuts |= set(np.linspace(0, span, PARTS + 1).tolist())
    ordered = sorted(cuts)
    near = span / 1000
    return [0.0, *(cut for cut in ordered[1:-1] if near < cut < span - near), span]


def _stretch(
    scenario: Scenario,
    workload: Workload,
    number: int,
    start: float,
    ends: tuple[float, float],
) -> Stretch:
    segment, (low, high) = workload.segments[number], ends
    rows = np.arange(segment.first, segment.stop)
    at_s = workload.arrival_s[rows]
    last = high >= segment.duration_s
    inside = rows[(at_s >= low) & ((at_s < high) | last)]
    if len(inside) < LEAST_ROWS:  # too few to tell: those around the middle
        nearest = np.argsort(np.abs(at_s - (low + high) / 2), kind="stable")[:LEAST_ROWS]
        sample = rows[np.sort(nearest)]
    else:
        sample = inside
    if scenario.trace is not None:
        rate, closed = len(inside) / (high - low), False
    else:
        phase = scenario.phases[number]
        closed = all(process.closed for process in phase.processes)
        between = [p.expected(high) - p.expected(low) for p in phase.processes]
        rate = sum(between) / (high - low)
    saturation = capacity(scenario, _only(workload, sample)).saturation_rps
    return Stretch(
        segment.name, start + low, start + high, rate, saturation, rate / saturation, closed
    )


def _only(workload: Workload, rows: NDArray[np.int64]) -> Workload:
    """Arrivals, tenants and lengths of some rows."""
    return replace(
        workload,
        arrival_s=workload.arrival_s[rows],
        tenant=workload.tenant[rows],
        prompt_tokens=workload.prompt_tokens[rows],
        output_tokens=workload.output_tokens[rows],
        max_output_tokens=workload.max_output_tokens[rows],
    )


def _with_backlog(stretches: list[Stretch], segments: Sequence[Segment]) -> list[Stretch]:
    """Let everything flow evenly: what comes faster than it is served waits."""
    by_name = {segment.name: segment for segment in segments}
    found: list[Stretch] = []
    waiting = 0.0
    for number, stretch in enumerate(stretches):
        entered = waiting
        grown = (stretch.rate_rps - stretch.saturation_rps) * (stretch.to_s - stretch.from_s)
        waiting = 0.0 if stretch.closed else max(0.0, waiting + grown)
        wait_s = waiting / stretch.saturation_rps
        found.append(replace(stretch, entered=entered, backlog=waiting, wait_s=wait_s))
        last = number + 1 == len(stretches) or stretches[number + 1].phase != stretch.phase
        ended = by_name[stretch.phase]
        if last:
            waiting = max(0.0, waiting - stretch.saturation_rps * ended.pause_s)
            waiting = 0.0 if ended.drain else waiting
    return found
