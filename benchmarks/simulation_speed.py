"""What a simulated request costs, beside a bare SimPy timeout and a token-by-token engine.

The unit is the machine itself: a process that does nothing but wait for SimPy timeouts, in the same
run and in processor time, so that ``timeouts_per_request`` can be compared between machines. A
simulated request's cost is that of its traffic, its run and all four tables.

    python benchmarks/simulation_speed.py [--json] [--requests 100000] [--repeats 3]
"""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable, Generator
from typing import Any

import simpy
from figures import measured

from driftsched.experiments.load import offered_load
from driftsched.results.storage import TABLES
from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.simulation import EngineName, simulate
from driftsched.workload import generate
from tests.support.token_by_token import token_by_token

BATCH, LOAD = 32, 0.9
TIMEOUTS = 300_000
TOKEN_REQUESTS = 1000
LIMITS = {"timeouts_per_request": 12.0, "peak_rss_mb": 1000.0}


def loaded(requests: int) -> Scenario:
    """Continuous batching of 32 at 0.9 of what it can serve, Poisson arrivals, the paper's mix."""
    base = load_scenario("paper-continuous")
    phase = {
        "name": "steady",
        "requests": requests,
        "arrivals": {"kind": "poisson", "rate_rps": 1.0},
        "mix": base.phases[0].mix,
    }
    scenario = changed(base, phases=[phase], engine__batch_size=BATCH)
    rate = LOAD * offered_load(scenario).peak.saturation_rps
    phase["arrivals"] = {"kind": "poisson", "rate_rps": rate}
    return changed(scenario, phases=[phase])


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of one call; what earlier ones left behind is collected first."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def bare_timeouts() -> None:
    """A SimPy process that only waits."""

    def waiting(env: simpy.Environment) -> Generator[simpy.Event, Any, None]:
        for _ in range(TIMEOUTS):
            yield env.timeout(1.0)

    env = simpy.Environment()
    env.process(waiting(env))
    env.run()


def whole(scenario: Scenario, engine: EngineName = "auto") -> None:
    """Traffic, run and every table; all but the requests are built when they are read."""
    result = simulate(scenario, generate(scenario), engine=engine)
    for table in TABLES:
        getattr(result, table)


def measure(requests: int, repeats: int) -> dict[str, Any]:
    """Alternate the two sides, so that both see the same machine; medians over the repeats."""
    scenario = loaded(requests)
    engine = simulate(loaded(1000)).provenance["engine"]  # and so everything is imported
    bare_s, default_s, simpy_s = [], [], []
    for _ in range(repeats):
        bare_s.append(seconds(bare_timeouts))
        default_s.append(seconds(lambda: whole(scenario)))
        bare_s.append(seconds(bare_timeouts))
        simpy_s.append(seconds(lambda: whole(scenario, "simpy")))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    few = loaded(TOKEN_REQUESTS)
    workload = generate(few)
    slow_s = seconds(lambda: token_by_token(few, workload))
    timeouts_per_s = TIMEOUTS / statistics.median(bare_s)
    requests_per_s = requests / statistics.median(default_s)
    simpy_per_s = requests / statistics.median(simpy_s)
    return {
        "requests_per_s": requests_per_s,
        "bare_timeouts_per_s": timeouts_per_s,
        "timeouts_per_request": timeouts_per_s / requests_per_s,
        "simpy_requests_per_s": simpy_per_s,
        "simpy_timeouts_per_request": timeouts_per_s / simpy_per_s,
        "token_by_token_requests_per_s": TOKEN_REQUESTS / slow_s,
        "peak_rss_mb": peak_mb,
        "engine": engine,
        "requests": requests,
        "repeats": repeats,
    }


if __name__ == "__main__":
    sys.exit(measured(measure, LIMITS, requests=100_000, repeats=3))
