"""Processes that run a sweep are killed at random moments; each point must run once, to the end.

What a kill leaves is a beginning of what follows: no finished line is lost, changed or run again,
and the table in the end is that of a sweep that nobody disturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from driftsched.experiments.sweeps import Sweep, SweepFolder, plan, run_sweep, workers
from driftsched.scenario import load_scenario

__all__ = ["trial"]

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "tests" / "support" / "small.yaml"
LONGEST_S = {1: 0.4, 2: 8.0}
"""Until the kill, by number of processes; two need their time to start."""
SEVERAL = 25
"""In one of so many cases, the last of them, two processes work."""


def trial(seed: int, n: int) -> list[str]:
    """Kill n times. It is done in a process of its own, whose forks need no imports."""
    command = [sys.executable, "-m", "tests.hostile.sweeps", str(seed), str(n)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failures = done.stdout.splitlines()
    return failures if done.returncode == 0 else [*failures, done.stderr.strip()]


def cases(seed: int, n: int) -> None:
    """Print what fails."""
    rng, number = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["DRIFTSCHED_HOME"] = home
        while number < n:
            scenario = load_scenario(SMALL, [f"seed={rng.randrange(10**6)}"])
            sweep = plan(scenario, ["policy=fifo,sjf", "load=0.5:1.5:40", "engine.batch_size=0,4"])
            while number < n and len(lines_of(sweep)) < len(sweep.points):
                for failure in killed_once(sweep, rng, 2 if (number + 1) % SEVERAL == 0 else 1):
                    print(f"seed {seed}, case {number}: {failure}", flush=True)
                number += 1
            keep = SweepFolder.of(sweep)
            if not run_sweep(sweep, keep=keep).equals(run_sweep(sweep)):
                print(f"seed {seed}, before case {number}: the table is another", flush=True)
            if failures := wrong(sweep, lines_of(sweep)):
                print(f"seed {seed}, before case {number}: {failures}", flush=True)


def killed_once(sweep: Sweep, rng: random.Random, processes: int) -> list[str]:
    """Let a process go on with the sweep, kill it, and look."""
    before = lines_of(sweep)
    victim = os.fork()
    if not victim:
        try:
            with workers(processes) as by:
                run_sweep(sweep, by=by, keep=SweepFolder.of(sweep))
        finally:
            os._exit(0)
    time.sleep(rng.uniform(0.0, LONGEST_S[processes]))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    after = lines_of(sweep)
    lost = [] if after[: len(before)] == before else ["a finished line is lost or another"]
    return [*lost, *wrong(sweep, after)]


def lines_of(sweep: Sweep) -> list[bytes]:
    """Whole lines of the results' file."""
    path = Path(os.environ["DRIFTSCHED_HOME"], "sweeps", sweep.sweep_id, "results.jsonl")
    return path.read_bytes().split(b"\n")[:-1] if path.is_file() else []


def wrong(sweep: Sweep, lines: list[bytes]) -> list[str]:
    """What must not be among the results."""
    try:
        keys = [json.loads(line)["key"] for line in lines]
    except ValueError:
        return ["a line inside the file is torn"]
    found = ["a point ran twice"] if len(set(keys)) < len(keys) else []
    unknown = set(keys) - {point.key for point in sweep.points}
    return [*found, "a point came that nobody asked for"] if unknown else found


if __name__ == "__main__":
    cases(*map(int, sys.argv[1:]))
