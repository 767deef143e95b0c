"""What it takes to read and to draw traffic: seconds, and the memory of a process of its own.

- a table of 200 MB in Azure's form (made up for it, 5 million requests), read and mapped;
- the same packed with gzip, and as JSON lines in Mooncake's form;
- an hour of ServeGen m-large's clients, about 700,000 requests, where its files are given;
- a scenario of a million requests drawn from its phases.

    python benchmarks/traffic.py [--json] [--mb 200] [--servegen ../shared/traces]
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import ROOT

from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.workload import generate

RATES = "servegen_m-large_client_rates.csv"


def azure_rows(megabytes: int) -> bytes:
    """A table of about so many MB, one request every 0.1 s."""
    minute = b"".join(
        b"2023-11-16 18:MM:%02d.%d805900,%d,%d\n" % (s, d, 300 + 7 * s, 40 + s * d + d)
        for s in range(60)
        for d in range(10)
    )
    body = b"".join(minute.replace(b"MM", b"%02d" % m) for m in range(60))
    return b"TIMESTAMP,ContextTokens,GeneratedTokens\n" + body * (megabytes * 10**6 // len(body))


def packed_rows(megabytes: int) -> bytes:
    """The same, packed."""
    return gzip.compress(azure_rows(megabytes), compresslevel=1)


def mooncake_rows(megabytes: int) -> bytes:
    """JSON lines of about so many MB."""
    rows = [
        json.dumps(
            {"timestamp": 40 * i, "input_length": 500 + i, "output_length": 9 + i % 500}
            | {"hash_ids": list(range(i % 40))}
        ).encode()
        + b"\n"
        for i in range(20_000)
    ]
    body = b"".join(rows)
    return body * (megabytes * 10**6 // len(body))


def traced(path: Path) -> Scenario:
    """The paper's tenants and categories on a recorded trace."""
    data = load_scenario("paper").model_dump(mode="json", by_alias=True)
    data["cluster"]["context_tokens"] = 40_000
    return parse_scenario(data | {"phases": [], "trace": {"file": str(path)}})


def drawn() -> Scenario:
    """A million requests of one phase."""
    return load_scenario("paper", ["phases.1.requests=1000000"])


def measured(scenario: Scenario) -> dict[str, Any]:
    """Generate in a fresh process; its seconds, requests and peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (scenario,))


def _measure(scenario: Scenario) -> dict[str, Any]:
    started = time.perf_counter()
    requests = len(generate(scenario))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"requests": requests, "seconds": round(seconds, 2), "peak_mb": round(peak)}


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time and memory of traffic.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--mb", type=int, default=200, help="size of the files read")
    parser.add_argument("--servegen", type=Path, default=ROOT.parent / "shared/traces")
    args = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        makers = {"csv": azure_rows, "jsonl": mooncake_rows, "csv_gz": packed_rows}
        for kind, make in makers.items():
            path = Path(folder) / kind
            path.write_bytes(make(args.mb))
            found[kind] = measured(traced(path))
    found["phases"] = measured(drawn())
    if (args.servegen / RATES).is_file():
        found["servegen_hour"] = measured(traced(args.servegen / RATES))
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        for kind, row in found.items():
            told = (
                f"{row['requests']:>10,} requests {row['seconds']:>7.2f} s {row['peak_mb']:>6} MB"
            )
            print(f"{kind:<14}{told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
