"""A scenario in real time in front of any server that speaks OpenAI's HTTP interface.

``python examples/live_endpoint.py http://127.0.0.1:8000/v1`` (in a checkout:
``python -m examples.live_endpoint …``). vLLM, SGLang and llama.cpp are such servers; a key is read
from ``DRIFTSCHED_API_KEY`` and sent to hosts that ``DRIFTSCHED_ENDPOINTS`` names; it also allows
hosts other than this machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from driftsched.live import parse_options, run_live
from driftsched.results import RunResult
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate


def main(argv: Sequence[str] | None = None) -> RunResult:
    """Run live under SJF, then simulate the same; print how both went."""
    parser = argparse.ArgumentParser(description="A live run against an endpoint.")
    parser.add_argument("endpoint", help="base address, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--requests", type=int, default=20, help="how many to send")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.5 plays twice as fast")
    args = parser.parse_args(argv)
    scenario = load_scenario(
        "paper-continuous",
        ["policy.kind=sjf", f"phases.0.requests={args.requests}", "phases.1.requests=1"],
    )
    options = parse_options(
        {
            "engine": {"kind": "openai", "endpoints": [args.endpoint]},
            "time_scale": args.time_scale,
        }
    )
    live = run_live(scenario, options, progress=lambda share: print(f"\r{share:4.0%}", end=""))
    print()
    print(live.requests.groupby(["status", "reason"], observed=True).size())
    for name, run in {"live": live, "simulated": simulate(scenario)}.items():
        latencies = run.requests[["ttft_s", "e2e_s"]].median()
        print(f"{name:<10}", *(f"{column} {value:.3f}" for column, value in latencies.items()))
    return live


if __name__ == "__main__":
    main()
