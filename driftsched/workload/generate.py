"""Scenario → table of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from driftsched.core.errors import ScenarioError
from driftsched.core.home import trace_path
from driftsched.scenario.model import Scenario
from driftsched.workload.arrive import MAX_REQUESTS, PhaseRequests, arrive
from driftsched.workload.assemble import assemble
from driftsched.workload.drift import Drift
from driftsched.workload.streams import Streams
from driftsched.workload.table import Segment, Workload, nominal_starts
from driftsched.workload.traces.load import import_trace


def generate(
    scenario: Scenario,
    seed: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Workload:
    """Draw the requests of a scenario, in order of arrival, or import them where it names a trace.

    The same scenario and seed, 0 or more and by default its own, give the same table on any
    machine. Arrivals, tenants, categories, prompts, prompt lengths, output lengths and words per
    token have random streams of their own, for each phase, so that changing one setting leaves all
    other draws the same.

    Drift multiplies the natural lengths before they are cut, and shifts the mix, at each request's
    nominal time. Requests of closed loops come last in their phase; the run decides when they are
    made (see `Workload`). A phase bounded by duration_s may by chance be empty.

    Shares and mixes are normalised. A prompt without a length distribution is as long as its text:
    round(words / words_per_token) tokens. Natural answers are cut at the category's
    max_output_tokens, capped ones always have that length. The answer and its maximum are cut to
    what the prompt leaves of cluster.context_tokens; a prompt that leaves nothing will be rejected,
    as servers do.

    A trace's file name is relative to the current folder; `progress` is called with the share done,
    0 to 1, where a trace takes a while.

    Raises
    ------
    ScenarioError
        There is no request at all, there are more than 20 million, or the seed is negative.
    TraceError
        The trace cannot be read.

    Examples
    --------
    >>> from driftsched.scenario import load_scenario
    >>> len(generate(load_scenario("paper")))
    3000
    """
    seed = scenario.seed if seed is None else seed
    if scenario.trace is not None:
        return import_trace(scenario, trace_path(scenario.trace.file), seed, progress).workload
    streams = Streams(seed, len(scenario.phases))
    arrived: list[PhaseRequests] = []
    for number in range(len(scenario.phases)):
        room = MAX_REQUESTS - sum(map(len, arrived))
        arrived.append(arrive(scenario, number, streams, room))
    if not any(map(len, arrived)):
        raise ScenarioError("phases must give at least 1 request, got 0: raise duration_s or rate")
    segments = _segments(scenario, arrived)
    drift = Drift(scenario, streams, nominal_starts(segments))
    phases = [_mixed(scenario, n, streams, rows, drift) for n, rows in enumerate(arrived)]
    return assemble(scenario, streams, phases, segments, drift)


def _mixed(
    scenario: Scenario, number: int, streams: Streams, rows: PhaseRequests, drift: Drift
) -> PhaseRequests:
    """The arrivals of a phase with categories, by its mix as drift has it then."""
    mix = [scenario.phases[number].mix.get(name, 0.0) for name in scenario.category_names]
    uniform = streams.get("categories", number).random(len(rows))
    category = drift.categories(number, rows.arrival_s, rows.tenant, uniform, mix)
    return replace(rows, category=category)


def _segments(scenario: Scenario, arrived: list[PhaseRequests]) -> tuple[Segment, ...]:
    segments, first = [], 0
    for phase, rows in zip(scenario.phases, arrived, strict=True):
        length_s = phase.duration_s if phase.duration_s is not None else float(rows.arrival_s.max())
        stop = first + len(rows)
        closed = stop - len(rows.user) if phase.closed else None
        segments.append(
            Segment(phase.name, first, stop, length_s, phase.drain, phase.pause_s, closed)
        )
        first = stop
    return tuple(segments)
