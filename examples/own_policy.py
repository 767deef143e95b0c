"""A policy of your own beside three that come with the package, all on the same requests.

``python examples/own_policy.py --requests 400`` (in a checkout: ``python -m examples.own_policy``)
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pandas as pd

from driftsched.scenario import load_scenario, with_policy
from driftsched.scheduling.policies import StaticOrder
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate
from driftsched.workload import generate

GOALS_S = (2.0, 6.0, 10.0)
"""How soon the answers of premium, standard and batch tenants should be there."""


class EarliestDeadlineFirst(StaticOrder):
    """Serves the request whose goal comes first; a heap, since that never changes.

    A policy is any class with ``push``, ``pop(now)``, ``order`` and ``__len__``. Where a request's
    score stays the same while it waits, `StaticOrder` has all of them but ``order``.
    """

    def order(self, request: Request) -> float:
        """Score of a request, lowest first."""
        return request.arrival_s + GOALS_S[request.tenant]


def main(argv: Sequence[str] | None = None) -> pd.DataFrame:
    """Print the P95 of the end-to-end latency, in seconds, by policy and tenant."""
    parser = argparse.ArgumentParser(description="A policy of your own on the paper's traffic.")
    parser.add_argument("--requests", type=int, default=400, help="in each of the two phases")
    count = parser.parse_args(argv).requests
    scenario = load_scenario("paper", [f"phases.{n}.requests={count}" for n in (0, 1)])
    workload = generate(scenario)  # made once, so that all serve the very same requests
    runs = {
        name: simulate(with_policy(scenario, name), workload)
        for name in ("fifo", "priority", "sjf")
    }
    runs["deadline"] = simulate(scenario, workload, policy=EarliestDeadlineFirst())
    by_tenant = {
        name: run.requests.groupby("tenant", observed=True)["e2e_s"].quantile(0.95)
        for name, run in runs.items()
    }
    table = pd.DataFrame(by_tenant).T
    print(table.round(1))
    return table


if __name__ == "__main__":
    main()
