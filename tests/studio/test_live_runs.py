"""Live runs of the server: one at a time an engine, stopped without loss, saved at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driftsched.core.errors import InputError
from driftsched.results import RunLibrary
from driftsched.studio.jobs import State
from driftsched.studio.live.runs import LiveJob, LiveRuns
from tests.studio import tasks
from tests.support.patience import STEP_S, await_true


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRuns]:
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    runs = LiveRuns(keep=2)
    yield runs
    runs.close()


def start(
    runs: LiveRuns, file: Path, engine: str = "a", task: Callable[..., object] = tasks.grow
) -> LiveJob:
    return runs.start(
        task,  # type: ignore[arg-type]
        (str(file),),
        title="A run",
        engines=(engine,),
        owner="ann",
    )


def finish(job: LiveJob) -> LiveJob:
    assert job.wait(STEP_S), f"still {job.state}"
    return job


def test_snapshots_come_while_it_runs_and_the_result_is_kept(
    runs: LiveRuns, tmp_path: Path
) -> None:
    """A viewer sees it grow; at its end it is in the library, whoever watches or not."""
    job = start(runs, tmp_path / "go")
    await_true(lambda: (job.snapshot or 0) >= 3)
    assert job.state is State.RUNNING
    (tmp_path / "go").touch()
    assert finish(job).state is State.DONE
    assert RunLibrary().list()["run_id"].tolist() == [job.saved]
    assert job.result is not None
    assert RunLibrary().load(job.saved).requests.equals(job.result.requests)


def test_stopped_run_keeps_what_it_measured(runs: LiveRuns, tmp_path: Path) -> None:
    """Minutes on a GPU must not be lost to a click on Stop."""
    job = start(runs, tmp_path / "never")
    await_true(lambda: job.snapshot is not None)
    runs.stop(job)
    assert finish(job).state is State.CANCELLED
    assert job.result is not None
    assert job.saved


def test_engine_in_use_is_refused_and_says_by_what(runs: LiveRuns, tmp_path: Path) -> None:
    """Two runs on one engine would measure each other; another engine is free."""
    first = start(runs, tmp_path / "go", "http://127.0.0.1:1")
    with pytest.raises(InputError, match=r"got http://127\.0\.0\.1:1, which runs “A run” since"):
        start(runs, tmp_path / "go", "http://127.0.0.1:1")
    other = start(runs, tmp_path / "go", "http://127.0.0.1:2")
    (tmp_path / "go").touch()
    finish(first)
    finish(other)
    assert finish(start(runs, tmp_path / "go", "http://127.0.0.1:1")).state is State.DONE


def test_other_names_of_a_server_are_the_same_engine(runs: LiveRuns, tmp_path: Path) -> None:
    """By another name, path or loopback address a second run began on a server in use."""
    first = start(runs, tmp_path / "go", "http://127.0.0.1:1/v1")
    for name in ("localhost:1/v1", "127.0.0.2:1/v1", "127.0.0.1:1/other/v1", "[::1]:1/v1"):
        with pytest.raises(InputError, match="engine must be free"):
            start(runs, tmp_path / "go", f"http://{name}")
    (tmp_path / "go").touch()
    finish(first)


def test_there_is_one_number_for_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run is a process, however many engines there are."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    runs = LiveRuns(most=1)
    first = start(runs, tmp_path / "go", "a")
    with pytest.raises(InputError, match="live runs must be at most 1 at once"):
        start(runs, tmp_path / "go", "b")
    (tmp_path / "go").touch()
    finish(first)
    finish(start(runs, tmp_path / "go", "b"))
    runs.close()


def test_run_that_fails_says_why_and_frees_its_engine(runs: LiveRuns, tmp_path: Path) -> None:
    job = finish(start(runs, tmp_path / "x", task=tasks.refuse_live))
    assert (job.state, job.error) == (State.FAILED, "seed must be >= 0, got -1")
    dead = finish(start(runs, tmp_path / "x", task=tasks.die_live))
    assert dead.state is State.FAILED
    assert "ended early" in dead.error


def test_only_the_newest_ended_runs_stay_in_memory(runs: LiveRuns, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    jobs = [finish(start(runs, tmp_path / "go", str(number))) for number in range(4)]
    assert [job.key for job in runs.all()] == [jobs[3].key, jobs[2].key, jobs[1].key]
    assert len(RunLibrary().list()) == 4


def test_closing_the_server_saves_what_is_under_way(runs: LiveRuns, tmp_path: Path) -> None:
    job = start(runs, tmp_path / "never")
    await_true(lambda: job.snapshot is not None)
    runs.close()
    assert finish(job).saved
