"""Who runs a sweep makes no difference to its numbers; who dies is told in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from driftsched.core.errors import InputError, RunError
from driftsched.experiments.sweeps import Sweep, plan, run_sweep, workers
from driftsched.scenario import load_scenario
from tests.support.commands import ROOT, SMALL
from tests.support.patience import LONG_S, await_true

SCHEDULER = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
WORKER = ["distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"]


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    over = ["policy=fifo,sjf,hrrn", "load=0.5:1.5:4", "engine.batch_size=0,4"]
    return plan(load_scenario(SMALL), over, seeds=2)


@pytest.fixture(scope="module")
def alone(sweep: Sweep) -> pd.DataFrame:
    return run_sweep(sweep)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own, as on other machines."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *command, "--scheduler-file", str(file)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in ([*SCHEDULER, "--no-dashboard"], WORKER, WORKER)
    ]
    try:
        await_true(lambda: file.is_file() and file.read_text().endswith("}"), LONG_S)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in started:
            process.kill()
            process.wait()


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def test_a_dask_cluster_gives_the_numbers_of_one(
    sweep: Sweep, alone: pd.DataFrame, cluster: str
) -> None:
    from distributed import Client

    with Client(cluster, timeout=LONG_S, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=LONG_S)
    with workers(dask=cluster) as by:
        assert by.at_once == 2
        same(run_sweep(sweep, by=by), alone)


def test_no_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftsched.experiments.sweeps.executor.CONNECT_S", 0.2)
    with (
        pytest.raises(InputError, match="must be a cluster's address"),
        workers(dask="tcp://127.0.0.1:9"),
    ):
        pass


def dies(number: int) -> int:
    """Do what the system does to a process that takes too much memory."""
    if number == 3:
        os.kill(os.getpid(), 9)
    return number


def test_two_processes_give_the_numbers_of_one_and_may_die(
    sweep: Sweep, alone: pd.DataFrame
) -> None:
    assert set(alone["status"]) == {"done", "failed"}
    with workers(2) as by:
        same(run_sweep(sweep, by=by), alone)
        with pytest.raises(RunError, match="a worker process died"):
            list(by.map_unordered(dies, range(6)))
