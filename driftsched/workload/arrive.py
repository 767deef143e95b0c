"""Arrival times of a phase: shared and tenants' own processes, open and closed, merged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from driftsched.core.arrays import Floats, Ints
from driftsched.core.errors import ScenarioError
from driftsched.scenario.model import Scenario
from driftsched.scenario.traffic import Phase
from driftsched.traffic.arrivals import Arrivals, ClosedLoop
from driftsched.workload.streams import Streams, pick_by_share

MAX_REQUESTS = 20_000_000
MARGIN = 1.1


@dataclass(frozen=True)
class PhaseRequests:
    """Requests of a phase before their texts and lengths are known; shapes (n,).

    Open arrivals come first, in order of time, then the rows of closed loops: to those, the last
    ones, `user` (numbered from 0 in each phase) and `think_s` belong. Times count from the phase's
    start, in a closed loop as if answers took no time.

    Recorded lengths replace drawn ones: `prompt_tokens`, `output_tokens` and `max_output_tokens`
    are given together or not at all, and so are `cached_tokens` and `first_block`;
    `predicted_tokens` may be told with them.
    """

    arrival_s: Floats
    tenant: Ints
    category: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    user: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    think_s: Floats = field(default_factory=lambda: np.empty(0))
    prompt_tokens: Ints | None = None
    output_tokens: Ints | None = None
    max_output_tokens: Ints | None = None
    cached_tokens: Ints | None = None
    first_block: Ints | None = None
    predicted_tokens: Floats | None = None

    def __len__(self) -> int:
        return len(self.arrival_s)


def arrive(scenario: Scenario, number: int, streams: Streams, room: int) -> PhaseRequests:
    """Draw the arrivals of phase `number`, `room` requests at most; categories are left out.

    Raises
    ------
    ScenarioError
        There would be more.
    """
    phase = scenario.phases[number]
    if phase.expected_requests > room:
        raise ScenarioError(
            f"phases[{number}] must leave the scenario at {MAX_REQUESTS} requests at most, "
            f"got about {phase.expected_requests:.0f} with room for {room}"
        )
    time_s, tenant = _open(scenario, number, streams, room)
    loops = _loops(scenario, number)
    if not loops:
        return PhaseRequests(time_s, tenant)
    closed_s, own, user, think_s = _closed(phase, number, streams, loops)
    return PhaseRequests(
        np.append(time_s, closed_s), np.append(tenant, own), user=user, think_s=think_s
    )


def _shares(scenario: Scenario, phase: Phase) -> list[float]:
    """Shares of the tenants in the phase's shared arrivals."""
    own = {tenant.name: tenant.share for tenant in scenario.tenants}
    given = own if phase.shares is None else phase.shares
    taken = phase.tenant_arrivals or {}
    return [0.0 if name in taken else given.get(name, 0.0) for name in scenario.tenant_names]


def _open(scenario: Scenario, number: int, streams: Streams, room: int) -> tuple[Floats, Ints]:
    """Times and tenants of open arrivals, in order of time."""
    phase = scenario.phases[number]
    own = {
        scenario.tenant_names.index(name): process
        for name, process in (phase.tenant_arrivals or {}).items()
        if not process.closed
    }
    processes: dict[int | None, Arrivals] = dict(sorted(own.items()))
    if phase.arrivals is not None and not phase.arrivals.closed:
        processes = {None: phase.arrivals, **processes}
    drawn: list[tuple[Floats, Ints]] = []
    for tenant, times in _times(phase, processes, number, streams, room).items():
        if tenant is None:
            uniform = streams.get("tenants", number).random(len(times))
            drawn.append((times, pick_by_share(uniform, _shares(scenario, phase))))
        else:
            drawn.append((times, np.full(len(times), tenant, dtype=np.int64)))
    if len(drawn) < 2:
        time_s, tenant_of = drawn[0] if drawn else (np.empty(0), np.empty(0, np.int64))
        return time_s[: phase.requests], tenant_of[: phase.requests]
    time_s, tenant_of = (np.concatenate(part) for part in zip(*drawn, strict=True))
    order = np.argsort(time_s, kind="stable")[: phase.requests]
    return time_s[order], tenant_of[order]


def _times(
    phase: Phase,
    processes: dict[int | None, Arrivals],
    number: int,
    streams: Streams,
    room: int,
) -> dict[int | None, Floats]:
    """Arrival times by tenant, None for the shared process: at least as many as asked for."""

    def rng(tenant: int | None) -> np.random.Generator:
        if tenant is None:
            return streams.get("arrivals", number)
        return streams.get("tenant_arrivals", number, tenant)

    if phase.requests is not None and [*processes] == [None]:
        return {None: processes[None].first(rng(None), phase.requests)}
    rate = sum(process.rate for process in processes.values())
    end_s = phase.duration_s or (MARGIN * (phase.requests or 0) / rate + 1 if rate else 0.0)
    while True:
        times = {key: one.within(rng(key), end_s, room) for key, one in processes.items()}
        found = sum(map(len, times.values()))
        if phase.requests is None and found > room:
            raise ScenarioError(
                f"phases[{number}] must leave the scenario at {MAX_REQUESTS} requests at most, "
                f"got more than {room} within {end_s:g} s"
            )
        if not processes or phase.requests is None or found >= phase.requests:
            return times
        end_s *= 2


def _loops(scenario: Scenario, number: int) -> list[tuple[ClosedLoop, Ints]]:
    """Closed loops of a phase, each with the tenant of each of its users."""
    phase = scenario.phases[number]
    found: list[tuple[ClosedLoop, Ints]] = []
    if isinstance(phase.arrivals, ClosedLoop):
        counts = _split(phase.arrivals.users, _shares(scenario, phase))
        found.append((phase.arrivals, np.repeat(np.arange(len(counts)), counts)))
    for name, process in (phase.tenant_arrivals or {}).items():
        if isinstance(process, ClosedLoop):
            tenant = scenario.tenant_names.index(name)
            found.append((process, np.full(process.users, tenant, dtype=np.int64)))
    return found


def _split(users: int, shares: list[float]) -> Ints:
    """Whole numbers in proportion to the shares that add up to `users` (largest remainders)."""
    exact = users * np.array(shares) / sum(shares)
    whole = np.floor(exact).astype(np.int64)
    most = np.argsort(whole - exact, kind="stable")
    whole[most[: users - int(whole.sum())]] += 1
    return whole


def _closed(
    phase: Phase, number: int, streams: Streams, loops: list[tuple[ClosedLoop, Ints]]
) -> tuple[Floats, Ints, Ints, Floats]:
    """Times, tenants, users and think times of closed loops, by try and then by user."""
    parts = []
    users = sum(loop.users for loop, _ in loops)
    first = 0
    for place, (loop, tenant) in enumerate(loops):
        rng = streams.get("think", number, place)
        think = _think(phase, loop, rng, users)
        at_s = np.cumsum(think, axis=0)
        if phase.duration_s is not None:
            taken = at_s <= phase.duration_s
        else:
            quota = _quota(phase.requests or 0, users)[first : first + loop.users]
            taken = np.arange(len(think))[:, None] < quota
        turn, user = np.nonzero(taken)
        parts.append((turn, at_s[taken], tenant[user], user + first, think[taken]))
        first += loop.users
    turn, time_s, own, user, think_s = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((user, turn))
    return time_s[order], own[order], user[order].astype(np.int64), think_s[order]


def _quota(requests: int, users: int) -> Ints:
    """How many requests each user makes: equal parts, the first ones one more."""
    return requests // users + (np.arange(users) < requests % users)


def _think(phase: Phase, loop: ClosedLoop, rng: np.random.Generator, users: int) -> Floats:
    """Think times, one row a turn and one column a user, enough for the phase."""
    if phase.duration_s is None:
        turns = -(-(phase.requests or 0) // users)
        return loop.think.sample(rng, turns * loop.users).reshape(turns, loop.users)
    rows: list[Floats] = []
    at_s = np.zeros(loop.users)
    while (at_s <= phase.duration_s).any():
        if len(rows) * loop.users > 2 * MAX_REQUESTS:
            raise ScenarioError(
                f"phase {phase.name} must have at most {MAX_REQUESTS} requests, got a closed loop "
                "whose users think for too short a time"
            )
        rows.append(loop.think.sample(rng, loop.users))
        at_s = at_s + rows[-1]
    return np.array(rows)
