"""Scenario → table of requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from driftsched.errors import ScenarioError
from driftsched.workload.assemble import Draft, assemble
from driftsched.workload.streams import Streams, pick_by_share
from driftsched.workload.table import Segment, Workload
from driftsched.workload.trace import import_trace

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scenario.traffic import Phase

__all__ = ["MAX_REQUESTS", "generate"]

MAX_REQUESTS = 20_000_000
CHUNK = 65_536


def generate(scenario: Scenario, seed: int | None = None) -> Workload:
    """Draw the requests of a scenario, or import them where it names a trace.

    The same scenario and seed give the same table on any machine. Arrivals, tenants, categories,
    prompts, prompt lengths, output lengths and words per token have random streams of their own,
    for each phase, so that changing one setting leaves all other draws the same.

    Shares and mixes are normalised. A prompt without a length distribution is as long as its text:
    round(words / words_per_token) tokens. Natural answers are cut at the category's
    max_output_tokens, capped ones always have that length. Prompt and answer together fit into
    cluster.context_tokens: a longer prompt is cut to context_tokens - 1, then the answer and its
    maximum to what is left, as the engine would do.

    Parameters
    ----------
    scenario : Scenario
        A trace's file name is relative to the current folder.
    seed : int, optional
        0 or more; the scenario's own seed where it is not given.

    Returns
    -------
    Workload
        Requests in order of arrival. A phase bounded by duration_s may by chance be empty.

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
        return import_trace(scenario, Path(scenario.trace.file), seed).workload
    streams = Streams(seed, len(scenario.phases))
    arrivals: list[NDArray[np.float64]] = []
    for number, phase in enumerate(scenario.phases):
        room = MAX_REQUESTS - sum(map(len, arrivals))
        arrivals.append(_arrivals(phase, number, streams.get("arrivals", number), room))
    if not any(map(len, arrivals)):
        raise ScenarioError("phases must give at least 1 request, got 0: raise duration_s or rate")
    drafts = [_draft(scenario, n, streams, times) for n, times in enumerate(arrivals)]
    return assemble(scenario, streams, drafts, _segments(scenario, arrivals))


def _arrivals(phase: Phase, number: int, rng: Generator, room: int) -> NDArray[np.float64]:
    """Arrival times in seconds since the start of the phase, `room` requests at most."""
    if phase.requests is not None:
        expected = float(phase.requests)
    else:
        expected = (phase.duration_s or 0.0) * phase.arrivals.rate
    if expected > room:
        raise ScenarioError(
            f"phases[{number}] must leave the scenario at {MAX_REQUESTS} requests at most, "
            f"got about {expected:.0f} with room for {room}"
        )
    if phase.requests is not None:
        return np.cumsum(phase.arrivals.gaps(rng, phase.requests))
    assert phase.duration_s is not None  # the model asks for exactly one of the two
    return _arrivals_within(phase, number, phase.duration_s, rng, room)


def _arrivals_within(
    phase: Phase, number: int, duration_s: float, rng: Generator, room: int
) -> NDArray[np.float64]:
    chunks: list[NDArray[np.float64]] = []
    now, drawn = 0.0, 0
    while now <= duration_s:
        if drawn > room + CHUNK:
            raise ScenarioError(
                f"phases[{number}] must leave the scenario at {MAX_REQUESTS} requests at most, "
                f"got more than {room} within {duration_s:g} s"
            )
        # Chunks of one size: a longer duration goes on with the same stream.
        times = now + np.cumsum(phase.arrivals.gaps(rng, CHUNK))
        chunks.append(times)
        now, drawn = float(times[-1]), drawn + CHUNK
    times = np.concatenate(chunks)
    return times[: int(np.searchsorted(times, duration_s, side="right"))]


def _draft(scenario: Scenario, number: int, streams: Streams, times: NDArray[np.float64]) -> Draft:
    """Arrival, tenant and category of the requests of phase `number`."""
    phase, n = scenario.phases[number], len(times)
    own = {tenant.name: tenant.share for tenant in scenario.tenants}
    given = own if phase.shares is None else phase.shares
    shares = [given.get(name, 0.0) for name in scenario.tenant_names]
    mix = [phase.mix.get(name, 0.0) for name in scenario.category_names]
    return Draft(
        arrival_s=times,
        tenant=pick_by_share(streams.get("tenants", number).random(n), shares),
        category=pick_by_share(streams.get("categories", number).random(n), mix),
    )


def _segments(scenario: Scenario, arrivals: list[NDArray[np.float64]]) -> tuple[Segment, ...]:
    segments, first = [], 0
    for phase, times in zip(scenario.phases, arrivals, strict=True):
        length_s = phase.duration_s if phase.duration_s is not None else float(times[-1])
        stop = first + len(times)
        segments.append(Segment(phase.name, first, stop, length_s, phase.drain, phase.pause_s))
        first = stop
    return tuple(segments)
