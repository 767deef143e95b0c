"""Processes that save and delete runs are killed at random moments; the library must stand.

Afterwards nothing that was saved is lost, nothing is half, nothing is left, and a process that
worked in the same library meanwhile was not disturbed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from driftsched.core.errors import DriftSchedError
from driftsched.results import RunLibrary
from tests.unit.results_data import hand_run

__all__ = ["trial"]

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 0.3
"""Until the kill: so many saves that each moment of one is as likely as any other."""


def trial(seed: int, n: int) -> list[str]:
    """Kill n times. It is done in a process of its own, whose forks need no imports."""
    command = [sys.executable, "-m", "tests.hostile.kills", str(seed), str(n)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failures = done.stdout.splitlines()
    return failures if done.returncode == 0 else [*failures, done.stderr.strip()]


def cases(seed: int, n: int) -> None:
    """Print what fails."""
    with tempfile.TemporaryDirectory() as home:
        library, rng = RunLibrary(Path(home)), random.Random(seed)
        for number in range(n):
            for failure in killed_once(library, rng):
                print(f"seed {seed}, case {number}: {failure}", flush=True)


def killed_once(library: RunLibrary, rng: random.Random) -> list[str]:
    """Kill one of two processes that use the library, let the other end, and look."""
    victim, told_by_victim = started(lambda tell: works(library, tell, sys.maxsize))
    other, told_by_other = started(lambda tell: works(library, tell, 3))
    time.sleep(rng.uniform(0.0, LONGEST_S))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    _, status = os.waitpid(other, 0)
    found = ["the other process failed"] if status else []
    told = [line.split() for pipe in (told_by_victim, told_by_other) for line in lines(pipe)]
    saved = {run for word, run in told if word == "saved"}
    dying = {run for word, run in told if word == "deleting"}
    gone = {run for word, run in told if word == "deleted"}
    listed = library.list()
    here = set(listed["run_id"])
    found += [f"{run} was saved and is lost" for run in saved - dying - here]
    found += [f"{run} was deleted and is here" for run in gone & here]
    found += [f"{run} is here, {why}" for run, why in damages(library, here)]
    if len(here - saved) > 1:
        found.append(f"more than the run in work came without a word: {here - saved}")
    left = {path.name for path in (library.home / "runs").iterdir()} - here
    found += [f"{name} is left" for name in left]
    library.delete(*here)
    return found


def works(library: RunLibrary, tell: Callable[[str], None], most: int) -> None:
    """Save and delete, and say so before and after."""
    run = hand_run()
    for number in range(most):
        run_id = library.save(run)
        tell(f"saved {run_id}")
        if number % 3 == 2:
            tell(f"deleting {run_id}")
            library.delete(run_id)
            tell(f"deleted {run_id}")


def started(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Fork a process that works; its id, and the pipe through which it tells."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    code = 1
    try:
        with os.fdopen(writer, "w", buffering=1) as pipe:
            work(lambda text: print(text, file=pipe))
        code = 0
    finally:
        os._exit(code)


def lines(pipe: int) -> list[str]:
    with os.fdopen(pipe) as stream:
        return stream.read().splitlines()


def damages(library: RunLibrary, runs: set[str]) -> list[tuple[str, str]]:
    found = []
    for run in runs:
        try:
            library.load(run)
        except DriftSchedError as error:
            found.append((run, str(error)))
    return found


if __name__ == "__main__":
    cases(*map(int, sys.argv[1:]))
