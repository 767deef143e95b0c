"""Processes that use the run library are killed at random moments; it must stand.

They save, tag, note, delete, restore and import runs, and empty the trash. Afterwards nothing that
was saved, tagged or noted is lost, nothing is half, nothing is left, the index says what the
folders say, and a process that worked in the same library meanwhile was not disturbed.
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
from driftsched.results import RunLibrary, export_zip
from tests.unit.results_data import hand_run

__all__ = ["trial"]

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 0.3
"""Until the kill: so many saves that each moment of one is as likely as any other."""

NOTE = "Noted"
MOST_TAGS = 9
STAYS = {"saved", "restored"}
STATES = {*STAYS, "deleting", "deleted", "restoring"}


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
    shared = library.save(hand_run())
    zipped = export_zip(hand_run(), "", "", library.about(shared))
    victim, told_by_victim = started(
        lambda tell: works(library, tell, "victim", shared, zipped, sys.maxsize)
    )
    other, told_by_other = started(lambda tell: works(library, tell, "other", shared, zipped, 4))
    time.sleep(rng.uniform(0.0, LONGEST_S))
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    _, status = os.waitpid(other, 0)
    found = ["the other process failed"] if status else []
    told = [line.split() for pipe in (told_by_victim, told_by_other) for line in lines(pipe)]
    found += wrong(library, told, shared)
    before = library.list()
    found += [f"{run} is half" for run in library.reindex().damaged]
    if not library.list().equals(before):
        found.append("the index said something else than the folders")
    for place in ("runs", "trash", "labels"):
        folder = library.home / place
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        found += [f"{name} is left in {place}" for name in names if name.startswith(".")]
    library.delete(*before["run_id"])
    library.empty_trash()
    return found


def wrong(library: RunLibrary, told: list[list[str]], shared: str) -> list[str]:
    """What is not in the library as the processes have said."""
    listed = library.list().set_index("run_id")
    here, trash = set(listed.index), set(library.list(trash=True)["run_id"])
    last = {run: word for word, run in told if word in STATES}
    found = [
        f"{run} was {word} and is lost"
        for run, word in last.items()
        if word in STAYS and run not in here
    ]
    moved = {run for run, word in last.items() if word not in STAYS}
    emptied = any(word == "emptying" for word, _ in told)
    found += [f"{run} was moved and is nowhere" for run in moved - here - trash if not emptied]
    found += [f"{run} was deleted and is here" for run in here if last.get(run) == "deleted"]
    found += [f"{run} is here, {why}" for run, why in damages(library, here)]
    if len(here - set(last) - {shared}) > 1:
        found.append(f"more than the run in work came without a word: {here - set(last)}")
    (tags,) = listed.loc[[shared], "tags"]
    found += [
        f"the tag {tag} is lost" for word, tag in told if word == "tagged" and tag not in tags
    ]
    noted = {run for word, run in told if word == "noted"} & here
    return found + [
        f"what was noted of {run} is lost" for run in noted if listed.loc[run, "notes"] != NOTE
    ]


def works(
    library: RunLibrary,
    tell: Callable[[str], None],
    name: str,
    shared: str,
    zipped: bytes,
    most: int,
) -> None:
    """Save, tag, note, delete, restore, import and empty the trash; say so before and after.

    The trash is the victim's alone to empty and to restore from.
    """
    run, victim = hand_run(), name == "victim"
    for number in range(most):
        run_id = library.save(run)
        tell(f"saved {run_id}")
        if number < MOST_TAGS:
            library.tag(shared, f"{name}{number}")
            tell(f"tagged {name}{number}")
        if number % 2:
            tell(f"deleting {run_id}")
            library.delete(run_id)
            tell(f"deleted {run_id}")
        if victim and number % 4 == 1:
            tell(f"restoring {run_id}")
            library.restore(run_id)
            tell(f"restored {run_id}")
        elif number % 4 == 2:
            library.label(run_id, notes=NOTE)
            tell(f"noted {run_id}")
            tell(f"saved {library.import_zip(zipped)}")
        elif victim and number % 4 == 3:
            tell("emptying all")
            library.empty_trash()


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
