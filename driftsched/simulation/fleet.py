"""The cluster's replicas, their gateway and their clients, put together as the scenario says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from driftsched.core.errors import ScenarioError
from driftsched.gateway.clients import Clients
from driftsched.gateway.gateway import Gateway
from driftsched.serving.memory import kv_blocks, kv_capacity_tokens
from driftsched.simulation.continuous import ContinuousReplica
from driftsched.simulation.faults import FleetOperations
from driftsched.simulation.gang import GangReplica
from driftsched.simulation.replica import ReplicaContext

if TYPE_CHECKING:
    from driftsched.gateway.interfaces import Progress
    from driftsched.scenario.cluster import Cluster
    from driftsched.scenario.engine import Engine
    from driftsched.scenario.model import Scenario
    from driftsched.scheduling.policies import Policy
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clock import Clock
    from driftsched.simulation.replica import Replica
    from driftsched.workload.table import Workload

__all__ = ["Fleet", "kv_tokens"]

BATCHING: dict[str, type[Replica]] = {"gang": GangReplica, "continuous": ContinuousReplica}


class Fleet:
    """Who serves; running the clock runs the scenario.

    Parameters
    ----------
    scenario : Scenario
        Cluster, engine and what the gateway needs.
    clock : Clock
        At time 0.
    requests : sequence of Request
        One a row of the workload.
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
    clients : Clients
        Who asks.
    operations : FleetOperations
        What faults and operators do to the replicas.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        requests: Sequence[Request],
        workload: Workload,
        policy: Policy | None = None,
        progress: Progress | None = None,
    ) -> None:
        machines = scenario.machines
        capacities = [kv_tokens(scenario.engine, machine) for machine in machines]
        self.central = scenario.cluster.queue == "central" or len(machines) == 1
        if self.central:
            self.gateway = Gateway(scenario, policy, min(capacities))
        else:
            self.gateway = Gateway(scenario, policy, capacities=capacities)
        self.replicas: list[Replica] = []
        for number, machine in enumerate(machines):
            context = ReplicaContext(
                clock=clock,
                gateway=self.gateway,
                queue=self.gateway.queues[0 if self.central else number],
                engine=scenario.engine,
                cost=machine.build_cost(),
                kv_capacity=capacities[number],
                number=number,
                rested=self.rested,
            )
            self.replicas.append(BATCHING[scenario.engine.mode](context))
        # Where a tenant has a running limit, one replica's end can be another's beginning, and so
        # can an interruption.
        limited = any(tenant.limits.running for tenant in scenario.tenants)
        if limited or self.gateway.preempts:
            for replica in self.replicas:
                replica.peers = [peer for peer in self.replicas if peer is not replica]
        first = len(scenario.cluster.machines)
        if self.gateway.counts_tokens:
            self.gateway.catch_up = self._count_tokens
        self.operations = FleetOperations(
            clock, self.replicas, self.gateway, scenario.events, first
        )
        self.clients = Clients(scenario, workload, clock, requests, self, progress)
        self.clients.start()

    @property
    def empty(self) -> bool:
        """Whether no request waits or runs."""
        return not self.gateway.waiting and all(replica.empty for replica in self.replicas)

    def arrived(self, requests: Sequence[Request], now: float) -> None:
        """Tell the replicas that requests have arrived; all of them where they share a queue."""
        if self.central and requests:  # none where a phase began without one
            self.look(now)
        elif not self.central:
            for request in requests:
                if not request.status and request.replica >= 0:
                    self.replicas[request.replica].notify(now)

    def rested(self, number: int, now: float) -> None:
        """Hear that a replica has nothing more to do: it may leave, and a phase may be over."""
        self.operations.see_off(number)
        self.clients.idle(now)

    def give_up(self, request: Request, status: str, reason: str, now: float) -> None:
        """End a request whose client leaves: at once where it waits, else at the next boundary."""
        holder = next((one for one in self.replicas if one.holds(request)), None)
        if holder is None:
            self.gateway.withdraw(request, now, status, reason)
        else:
            holder.let_go(request, status, reason, now)

    def _count_tokens(self, now: float) -> None:
        for replica in self.replicas:
            replica.count_tokens(now)

    def look(self, now: float) -> None:
        """Let every replica look for requests, after something has changed."""
        for replica in self.replicas:
            replica.notify(now)

    def fail_stranded(self) -> bool:
        """End those who wait for a replica that never comes back; False where nobody does."""
        clients = self.clients
        if not self.gateway.waiting:
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
