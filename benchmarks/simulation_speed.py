"""What a simulated request costs, beside a bare SimPy timeout and a token-by-token engine.

The unit is the machine itself: a process that does nothing but wait for SimPy timeouts, in the same
run and in processor time, so that ``timeouts_per_request`` can be compared between machines. A
simulated request's cost is that of its traffic, its run and all four tables.

    python benchmarks/simulation_speed.py [--json] [--requests 100000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

for name in ("OMP", "OPENBLAS", "MKL"):  # one core: before numpy is imported
    os.environ[f"{name}_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import simpy  # noqa: E402  the number of threads had to be set before
from figures import show  # noqa: E402

from driftsched.experiments.load import offered_load  # noqa: E402
from driftsched.scenario import Scenario, changed, load_scenario  # noqa: E402
from driftsched.simulation import EngineName, simulate  # noqa: E402
from driftsched.workload import generate  # noqa: E402
from tests.support.token_by_token import token_by_token  # noqa: E402

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
    for table in ("requests", "queues", "gpus", "learning"):
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


def main() -> int:
    """Measure and print; exit code 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if min(args.requests, args.repeats) < 1:
        parser.error("--requests and --repeats must be >= 1")
    found = measure(args.requests, args.repeats)
    return show(found, LIMITS, args.json)


if __name__ == "__main__":
    sys.exit(main())
