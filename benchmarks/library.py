"""How long a list of ten thousand saved runs takes, and how long to make its index anew.

Runs are cards alone, since a list reads nothing else. ``list_s`` is a list whose index is up to
date, ``search_s`` the same with words, policy and tag, ``reindex_s`` all of the cards again, and
``list_per_reindex`` what the index saves.

    python benchmarks/library.py [--json] [--runs 10000]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from figures import ROOT, measured

from driftsched.results import RunLibrary
from driftsched.scenario import load_scenario
from driftsched.simulation import simulate

LIMITS = {"list_s": 1.0, "search_s": 1.0, "reindex_s": 30.0, "list_per_reindex": 0.5}
POLICIES = ("fifo", "sjf", "weighted", "hrrn")
TIMES = 5


def measure(runs: int) -> dict[str, float]:
    """Fill a library and list it; seconds, medians of five, but for the index."""
    with tempfile.TemporaryDirectory() as home:
        library = RunLibrary(Path(home))
        fill(library, runs)
        began = time.perf_counter()
        assert library.reindex().runs == runs
        reindex_s = time.perf_counter() - began
        found = library.list("night 9", policy="sjf", tag="nightly")
        assert 0 < len(found) < runs
        list_s = median_s(library.list)
        return {
            "runs": runs,
            "list_s": list_s,
            "search_s": median_s(lambda: library.list("night 9", policy="sjf", tag="nightly")),
            "reindex_s": reindex_s,
            "list_per_reindex": list_s / reindex_s,
        }


def fill(library: RunLibrary, runs: int) -> None:
    """Save one run, and copies of its card under other names; one in twenty has a label."""
    scenario = load_scenario(str(ROOT / "tests" / "support" / "small.yaml"))
    first = library.save(simulate(scenario), "Night 0")
    card = json.loads((library.home / "runs" / first / "run.json").read_text())
    for number in range(1, runs):
        policy = POLICIES[number % len(POLICIES)]
        folder = library.home / "runs" / f"20260101-000000-night-{policy}-{number:08d}"
        folder.mkdir()
        own = {"title": f"Night {number}", "policy": policy, "run_id": folder.name}
        (folder / "run.json").write_text(json.dumps(card | own))
        if number % 20 == 1:
            library.tag(folder.name, "nightly")


def median_s(action: Callable[[], object]) -> float:
    """Median seconds of an action."""
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        action()
        took.append(time.perf_counter() - began)
    return median(took)


if __name__ == "__main__":
    sys.exit(measured(measure, LIMITS, runs=10_000))
