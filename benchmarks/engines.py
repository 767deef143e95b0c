"""Both engines side by side: simulated requests a second, memory, and how the cost grows.

    python benchmarks/engines.py [--json] [--tables] [--largest 10000000]

``--json`` prints the figures that the targets name; ``--tables`` also how the time of a request
grows with the number of requests, the queue, the batch, the tenants and the replicas. The unit is
the SimPy engine in the same run on the same core, so that the ratios hold for other machines.
An engine's time is the processor's, from the workload to how each request went, tables aside.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("OMP", "OPENBLAS", "MKL"):  # one core: before numpy is imported
    os.environ[f"{name}_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from engine_cases import CASES, loaded  # noqa: E402  the number of threads had to be set before

from driftsched.results import RunResult, metrics_table  # noqa: E402
from driftsched.scenario import Scenario  # noqa: E402
from driftsched.simulation import simulate  # noqa: E402
from driftsched.simulation.clock import Clock  # noqa: E402
from driftsched.simulation.compiled import warm_up  # noqa: E402
from driftsched.simulation.compiled.engine import outcome  # noqa: E402
from driftsched.simulation.fleet import Fleet  # noqa: E402
from driftsched.workload import Workload, generate  # noqa: E402
from driftsched.workload.budgets import prepare_budgets  # noqa: E402
from driftsched.workload.requests import make_requests  # noqa: E402

STEADY, OVERLOADED, BACKLOG, SIMPY = 1_000_000, 4_000_000, 1_500_000, 100_000
LEAST = {
    "compiled_requests_per_s": 3e6,
    "ratio": 100.0,
    "overloaded_compiled_requests_per_s": 1e6,
}
MOST = {"ten_million_peak_rss_mb": 4000.0, "generate_and_summarise_per_simulate": 1.0}


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Least processor time of some calls; what earlier ones left behind is collected first."""
    times = []
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def compiled_s(scenario: Scenario, workload: Workload, repeats: int = 3) -> float:
    """Seconds that the compiled engine takes."""
    budgets = prepare_budgets(scenario, workload)
    return seconds(lambda: outcome(scenario, workload, budgets), repeats)


def simpy_s(scenario: Scenario, workload: Workload, repeats: int = 3) -> float:
    """Seconds that the SimPy engine takes."""
    budgets = prepare_budgets(scenario, workload)

    def run() -> None:
        requests = make_requests(scenario, workload, budgets)
        clock = Clock()
        Fleet(scenario, clock, requests, workload)
        clock.run()

    gc.disable()  # as `simulate` does, in effect
    try:
        return seconds(run, repeats)
    finally:
        gc.enable()


def whole(scenario: Scenario, workload: Workload) -> RunResult:
    """A run with all its tables, which are built when they are read."""
    result = simulate(scenario, workload, engine="compiled")
    for name in ("queues", "gpus", "learning"):
        getattr(result, name)
    return result


def headline() -> dict[str, float]:
    """The figures with targets."""
    steady, overloaded = loaded(STEADY), loaded(OVERLOADED, load=1.3, policy="sjf", backlog=BACKLOG)
    workload = generate(steady)
    compiled = STEADY / compiled_s(steady, workload)
    few = loaded(SIMPY)
    reference = SIMPY / simpy_s(few, generate(few))
    crowd = generate(overloaded)
    result = whole(steady, workload)
    table = simulate(overloaded, crowd, engine="compiled").requests
    waiting = int((table["dispatch_s"] > table["arrival_s"].iloc[-1]).sum())
    del table
    generate_s = seconds(lambda: generate(steady))
    simulate_s = seconds(lambda: whole(steady, workload))
    summarise_s = seconds(lambda: metrics_table(result))
    return {
        "compiled_requests_per_s": compiled,
        "simpy_requests_per_s": reference,
        "ratio": compiled / reference,
        "overloaded_compiled_requests_per_s": OVERLOADED / compiled_s(overloaded, crowd, 2),
        "overloaded_waiting_at_last_arrival": waiting,
        "generate_s": generate_s,
        "simulate_s": simulate_s,
        "summarise_s": summarise_s,
        "generate_and_summarise_per_simulate": (generate_s + summarise_s) / simulate_s,
    }


def peak_rss_mb(requests: int) -> float:
    """Most memory of a process that generates, simulates and summarises so many requests."""
    command = [sys.executable, str(Path(__file__)), "--alone", str(requests)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def alone(requests: int) -> None:
    """Do the work whose memory is measured."""
    scenario = loaded(requests)
    metrics_table(simulate(scenario, engine="compiled"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def tables(largest: int) -> None:
    """Print how the time of a request grows, each case beside SimPy where that ends in time."""
    for title, cases in CASES.items():
        print(f"\n{title}\n{'':>24} {'requests':>10} {'compiled':>12} {'SimPy':>12} {'ratio':>8}")
        for label, scenario, requests, with_simpy in cases(largest):
            workload = generate(scenario)
            fast = requests / compiled_s(scenario, workload, 2)
            slow = requests / simpy_s(scenario, workload, 1) if with_simpy else None
            shown = f"{slow:12,.0f} {fast / slow:8.0f}" if slow else f"{'–':>12} {'–':>8}"
            print(f"{label:>24} {requests:10,} {fast:12,.0f} {shown}", flush=True)


def main() -> None:
    """Measure, print, and fail where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tables", action="store_true", help="print how the cost grows")
    parser.add_argument(
        "--largest", type=int, default=10_000_000, help="requests of the largest run"
    )
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warm_up()
    if args.alone:
        alone(args.alone)
        return
    figures = headline()
    figures["ten_million_peak_rss_mb"] = peak_rss_mb(10_000_000)
    if args.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    else:
        for name, value in figures.items():
            print(f"{name:>40} {value:14,.2f}")
    if args.tables:
        tables(args.largest)
    missed = [name for name, least in LEAST.items() if figures[name] < least]
    missed += [name for name, most in MOST.items() if figures[name] > most]
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
