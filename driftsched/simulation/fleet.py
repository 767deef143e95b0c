"""The cluster's replicas, and who of them is told what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import TYPE_CHECKING

from driftsched.core.errors import ScenarioError
from driftsched.gateway.gateway import Gateway
from driftsched.serving.memory import kv_blocks, kv_capacity_tokens
from driftsched.simulation.announced import AnnouncedTraffic
from driftsched.simulation.clients import Clients, react
from driftsched.simulation.continuous import ContinuousReplica
from driftsched.simulation.gang import GangReplica
from driftsched.simulation.operations import FleetOperations
from driftsched.simulation.replica import Place
from driftsched.simulation.traffic import Progress, Traffic

if TYPE_CHECKING:
    from driftsched.scenario.cluster import Cluster
    from driftsched.scenario.engine import Engine
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clock import Clock
    from driftsched.simulation.replica import Replica, Source
    from driftsched.workload.table import Workload

__all__ = ["Fleet"]

BATCHING: dict[str, type[Replica]] = {"gang": GangReplica, "continuous": ContinuousReplica}


class Fleet:
    """Replicas, their gateway and their traffic, put together as the scenario says.

    Parameters
    ----------
    scenario : Scenario
        Cluster, engine and what the gateway needs.
    clock : Clock
        At time 0; running it runs the scenario.
    requests : iterable of Request
        One a row of the workload; each is taken when the one before it has arrived.
    workload : Workload
        The traffic.
    policy : Policy, optional
        Instead of the scenario's.
    progress : callable, optional
        Told of the share of requests submitted.

    Attributes
    ----------
    replicas : list of Replica
        In order of their numbers.
    gateway : Gateway
        In front of them.
    clients : Clients or None
        Who asks, where they react to what happens.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        requests: Iterable[Request],
        workload: Workload,
        policy: Policy | None = None,
        progress: Progress | None = None,
    ) -> None:
        machines = scenario.machines
        capacities = [kv_tokens(scenario.engine, machine) for machine in machines]
        central = scenario.cluster.queue == "central" or len(machines) == 1
        if central:
            self.gateway = Gateway(scenario, policy, min(capacities))
        else:
            self.gateway = Gateway(scenario, policy, capacities=capacities)
        self.clients: Clients | None = None
        announced: AnnouncedTraffic | Clients
        source: Source
        if scenario.events or react(scenario, workload):
            self.clients = Clients(scenario, workload, clock, list(requests), self, progress)
            source = announced = self.clients
        else:
            traffic = Traffic(requests, workload.segments, self.gateway, progress)
            announced = AnnouncedTraffic(clock, traffic, self)
            source = traffic if len(machines) == 1 else announced
        self.central = central
        self.replicas: list[Replica] = []
        for number, machine in enumerate(machines):
            place = Place(
                clock=clock,
                source=source,
                gateway=self.gateway,
                line=self.gateway.lines[0 if central else number],
                engine=scenario.engine,
                cost=machine.build_cost(),
                kv_capacity=capacities[number],
                number=number,
            )
            self.replicas.append(BATCHING[scenario.engine.mode](place))
        self._introduce(scenario)
        self.operations = FleetOperations(
            clock, self, scenario.events, len(scenario.cluster.machines)
        )
        for replica in self.replicas:
            replica.start()
        if source is announced:
            announced.start()

    @property
    def empty(self) -> bool:
        """Whether no request waits or runs."""
        return not self.gateway.waiting and all(replica.empty for replica in self.replicas)

    def arrived(self, requests: Sequence[Request], now: float) -> None:
        """Tell the replicas that requests have arrived; all of them where they share a queue."""
        if self.central and requests:  # none where a phase began without one
            for replica in self.replicas:
                replica.notify(now)
        elif not self.central:
            for request in requests:
                if not request.status and request.replica >= 0:
                    self.replicas[request.replica].notify(now)

    def give_up(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request whose client leaves: at once where it waits, else at the next boundary."""
        if isnan(request.dispatch_s) and not any(one.holds(request) for one in self.replicas):
            self.gateway.withdraw(request, now, status, reason)
            return
        for replica in self.replicas:
            if replica.holds(request):
                replica.let_go(request, status, reason, now)
                return

    def look(self, now: float) -> None:
        """Let every replica look for requests, after something has changed."""
        for replica in self.replicas:
            replica.notify(now)

    def fail_stranded(self) -> bool:
        """End those who wait for a replica that never comes back; False where nobody does."""
        clients = self.clients
        if clients is None or not self.gateway.waiting:
            return False
        now = max(
            *(replica.log[-1][0] for replica in self.replicas),
            *(rows[-1][0] for rows in self.operations.states),
            *(one.arrival_s for one in clients.requests),
            *(one.finish_s for one in clients.requests if one.status),
        )
        for request in [one for one in clients.requests if not one.status]:
            self.gateway.withdraw(request, now, "failed", "no replica came back to serve it")
        self.operations.go_on()
        clients.idle(now)
        return True

    def _introduce(self, scenario: Scenario) -> None:
        """Where a tenant has a running limit, one replica's end can be another's beginning."""
        if len(self.replicas) > 1 and any(one.limits.running for one in scenario.tenants):
            for replica in self.replicas:
                replica.peers = [peer for peer in self.replicas if peer is not replica]


def kv_tokens(engine: Engine, machine: Cluster) -> int:
    """Tokens of KV cache of a replica, whole blocks where it is paged.

    Raises
    ------
    ScenarioError
        When not one block fits.
    """
    tokens = kv_capacity_tokens(machine)
    if engine.kv == "reserve":
        return tokens
    blocks = kv_blocks(tokens, engine.block_tokens)
    if blocks < 1:
        raise ScenarioError(
            f"engine.block_tokens must be <= the {tokens} tokens of KV cache that fit on "
            f"{machine.gpu}, got {engine.block_tokens}"
        )
    return blocks * engine.block_tokens
