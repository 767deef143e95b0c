"""The pool of worker processes: sharing, order, progress, cancelling, failures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from driftsched.studio.jobs import LEAST_BYTES, LONG_S, Job, JobPool, State
from tests.studio import tasks
from tests.support.patience import STEP_S, await_true

ROOM = LEAST_BYTES + 30
"""What a small result takes, at most."""


@pytest.fixture(scope="module")
def started() -> Iterator[JobPool]:
    """One process for all: it takes longer to start than any of these tests."""
    pool = JobPool(workers=1, keep=3 * ROOM, queue=4)
    yield pool
    pool.close()


@pytest.fixture
def pool(started: JobPool) -> Iterator[JobPool]:
    """Give the pool with nothing to do, and nothing kept."""
    yield started
    for job in [*started._open.values(), *started._kept.values()]:
        started.forget(finish(job))


def finish(job: Job) -> Job:
    assert job.wait(STEP_S), f"still {job.state}"
    return job


def test_result_comes_back_from_another_process(pool: JobPool) -> None:
    job = finish(pool.submit(tasks.double, (21,), "double"))
    assert (job.state, job.result) == (State.DONE, 42)


def test_worker_does_not_import_the_studio_or_torch(pool: JobPool) -> None:
    loaded = finish(pool.submit(tasks.modules, (), "modules")).result
    assert not {"streamlit", "torch", "app"} & set(loaded)


def test_equal_keys_are_one_job_and_computed_once(pool: JobPool, tmp_path: Path) -> None:
    jobs = [pool.submit(tasks.count, (str(tmp_path),), "same", f"student {n}") for n in range(40)]
    assert len({id(job) for job in jobs}) == 1
    assert finish(jobs[0]).result == 1
    again = pool.submit(tasks.count, (str(tmp_path),), "same", "a latecomer")
    assert again is jobs[0]
    assert len(list(tmp_path.iterdir())) == 1


def test_least_recently_used_result_goes_first(pool: JobPool) -> None:
    first = finish(pool.submit(tasks.double, (0,), "0"))
    finish(pool.submit(tasks.double, (1,), "1"))
    assert pool.submit(tasks.double, (0,), "0") is first
    for n in (2, 3):
        finish(pool.submit(tasks.double, (n,), str(n)))
    assert pool.submit(tasks.double, (0,), "0") is first
    assert pool.submit(tasks.double, (1,), "1").state is not State.DONE


def test_queue_positions_progress_and_estimate(pool: JobPool, tmp_path: Path) -> None:
    go = tmp_path / "go"
    running = pool.submit(tasks.until_file, (str(go),), "running")
    await_true(lambda: running.progress == 0.5)
    waiting = [pool.submit(tasks.double, (n,), str(n)) for n in range(2)]
    assert [pool.position(job) for job in waiting] == [1, 2]
    assert running.state is State.RUNNING
    assert running.eta_s is not None
    assert running.eta_s > 0
    go.touch()
    assert finish(running).result == "went on"
    assert [finish(job).result for job in waiting] == [0, 2]


def test_full_queue_refuses_with_a_message(pool: JobPool, tmp_path: Path) -> None:
    go = tmp_path / "go"
    running = pool.submit(tasks.until_file, (str(go),), "running")
    await_true(lambda: running.state is State.RUNNING)
    accepted = [pool.submit(tasks.double, (n,), str(n)) for n in range(4)]
    refused = pool.submit(tasks.double, (9,), "9")
    assert refused.state is State.FAILED
    assert "too much is waiting" in refused.error
    go.touch()
    assert [finish(job).result for job in accepted] == [0, 2, 4, 6]


def test_other_work_for_an_owner_cancels_what_nobody_else_wants(
    pool: JobPool, tmp_path: Path
) -> None:
    blocker = pool.submit(tasks.until_file, (str(tmp_path / "go"),), "blocker", "teacher")
    await_true(lambda: blocker.progress == 0.5)
    alone = pool.submit(tasks.double, (1,), "1", "ann")
    shared = pool.submit(tasks.double, (2,), "2", "bob")
    pool.submit(tasks.double, (2,), "2", "eve")
    final = pool.submit(tasks.double, (3,), "3", "ann")
    pool.submit(tasks.double, (3,), "3", "bob")
    assert alone.state is State.CANCELLED
    assert shared.state is State.QUEUED
    (tmp_path / "go").touch()
    assert finish(shared).result == 4
    assert finish(final).result == 6
    assert finish(pool.submit(tasks.double, (1,), "1", "ann")).result == 2


def test_running_job_stops_and_its_worker_serves_on(pool: JobPool, tmp_path: Path) -> None:
    job = pool.submit(tasks.until_file, (str(tmp_path / "never"),), "job", "ann")
    await_true(lambda: job.progress == 0.5)
    pool.leave("ann")
    assert finish(job).state is State.CANCELLED
    assert finish(pool.submit(tasks.double, (4,), "4")).result == 8


def test_task_that_ignores_the_stop_loses_its_process(pool: JobPool, tmp_path: Path) -> None:
    started = tmp_path / "started"
    job = pool.submit(tasks.deaf, (str(started),), "deaf", "ann")
    await_true(started.exists)
    pool.leave("ann")
    assert finish(job).state is State.CANCELLED
    assert finish(pool.submit(tasks.double, (5,), "5")).result == 10


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (tasks.refuse, "seed must be >= 0, got -1"),
        (tasks.crash, "ZeroDivisionError: nothing to divide by"),
        (tasks.hog, "this needs more memory than it may have, 6,000 MB"),
        (tasks.die, "the worker process ended early"),
        (lambda progress: None, "cannot be handed to a worker"),
    ],
    ids=["refuse", "crash", "hog", "die", "lambda"],
)
def test_failure_is_one_message_and_the_pool_goes_on(
    pool: JobPool, task: Callable[..., None], message: str
) -> None:
    job = finish(pool.submit(task, (), "bad"))
    assert job.state is State.FAILED
    assert message in job.error
    assert "\n" not in job.error
    assert pool.submit(task, (), "bad") is job, "a rerun must show the failure, not try for ever"
    pool.forget(job)
    assert finish(pool.submit(tasks.double, (6,), "bad")).result == 12


def test_room_is_counted_by_the_results_size() -> None:
    """A hundred small answers must not go for one big one less than the room there is."""
    pool = JobPool(workers=1, keep=900_000)
    for n in (50_000, 20_000, 30_000):  # floats of eight bytes
        job = finish(pool.submit(tasks.zeros, (n,), str(n)))
        assert job.size == pytest.approx(8 * n, abs=2000)
    assert pool.known("50000") is not None
    finish(pool.submit(tasks.zeros, (10**6,), "all"))
    assert pool.known("all") is not None
    assert pool.known("50000") is None
    pool.close()


def test_a_results_arrays_are_pages_of_a_file_without_a_name(
    pool: JobPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = psutil.Process().memory_info().rss
    table = finish(pool.submit(tasks.table, (10**7,), "table")).result
    assert psutil.Process().memory_info().rss < before + 40e6, "it was read"
    assert not list(tmp_path.iterdir())
    assert list(table.columns) == ["x", "name", "empty"]
    assert table.loc[10**7 - 1, "x"] == 10**7 - 1
    assert table["name"].iloc[-1] == "last"
    table.loc[0, "x"] = -1.0
    assert table["x"].iloc[0] == -1, "it may be written to"


def test_without_room_for_a_file_results_come_all_the_same(
    pool: JobPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert finish(pool.submit(tasks.zeros, (10**5,), "zeros")).result.sum() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread")
def test_long_work_leaves_the_processor_to_others(pool: JobPool) -> None:
    short = finish(pool.submit(tasks.niceness, (1,), "short", cost=1.0)).result
    long = finish(pool.submit(tasks.niceness, (2,), "long", cost=2 * LONG_S)).result
    after = finish(pool.submit(tasks.niceness, (3,), "after", cost=1.0)).result
    assert (long - short, after) == (10, short)


def test_short_work_of_a_third_visitor_waits_for_nobodys_long_runs(tmp_path: Path) -> None:
    """Two long runs held both processes, and 3,000 requests waited for over a minute."""
    pool, go = JobPool(workers=2), tmp_path / "go"
    long = [
        pool.submit(tasks.until_file, (str(go), n), f"long {n}", f"visitor {n}/run", cost=60.0)
        for n in range(2)
    ]
    await_true(lambda: long[0].state is State.RUNNING)
    short = finish(pool.submit(tasks.double, (1,), "short", "z/run", cost=0.2))
    assert short.result == 2
    assert long[-1].state is State.QUEUED
    go.touch()
    assert {finish(job).result for job in long} == {"went on"}
    pool.close()


def test_visitors_take_turns_and_what_is_short_goes_first(pool: JobPool, tmp_path: Path) -> None:
    go = tmp_path / "go"
    busy = pool.submit(tasks.until_file, (str(go),), "busy", "ann/run")
    await_true(lambda: busy.state is State.RUNNING)
    asked = {"more": ("ann/seeds", 0.6), "big": ("bob/run", 9.0), "small": ("eve/run", 1.0)}
    jobs = {
        name: pool.submit(tasks.double, (1,), name, owner, cost=cost)
        for name, (owner, cost) in asked.items()
    }
    assert {name: pool.position(job) for name, job in jobs.items()} == {
        "small": 1,
        "big": 2,
        "more": 3,
    }
    go.touch()
    assert [finish(job).result for job in jobs.values()] == [2, 2, 2]


def test_close_cancels_what_is_under_way(tmp_path: Path) -> None:
    pool = JobPool(workers=1)
    running = pool.submit(tasks.until_file, (str(tmp_path / "never"),), "running")
    queued = pool.submit(tasks.double, (1,), "1")
    await_true(lambda: running.progress == 0.5)
    pool.close()
    assert finish(running).state is State.CANCELLED
    assert finish(queued).state is State.CANCELLED
