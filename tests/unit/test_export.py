"""Files for others: CSV, Parquet, ZIP, the published program's columns."""

import dataclasses
import io
import json
import random
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import DriftSchedError, RunError, ScenarioError
from driftsched.results import (
    csv_text,
    export_zip,
    paper_metrics,
    paper_queue_depth,
    paper_telemetry,
    read_run,
    write_csv,
    write_parquet,
)
from driftsched.results.storage import TABLES
from driftsched.results.tables import RunResult
from driftsched.scenario import from_yaml, load_scenario
from driftsched.simulation import simulate
from tests.unit.results_data import NAN, hand_run

COMMAND = "python -m driftsched run paper --set seed=2"
METRICS = [
    "timestamp",
    "scheduler_type",
    "request_id",
    "tenant_id",
    "job_type",
    "workload_category",
    "priority_tier",
    "batch_id",
    "batch_size",
    "total_token_budget",
    "estimated_output_tokens",
    "max_output_tokens",
    "generated_tokens",
    "queue_enter_time",
    "worker_start_time",
    "worker_finish_time",
    "queue_wait_seconds",
    "inference_seconds",
    "end_to_end_seconds",
    "latency_seconds",
    "status",
    "feedback_old_bias",
    "feedback_measured_bias",
    "feedback_new_bias",
    "estimation_bias",
    "base_tokens",
    "safety_factor",
    "input_factor",
]


def assert_same_tables(one: RunResult, other: RunResult) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


@pytest.fixture(scope="module")
def real_run() -> RunResult:
    return simulate(load_scenario("paper", ["phases.0.requests=60", "phases.1.requests=60"]))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_parquet_gives_equal_tables_back(tmp_path: Path, real_run: RunResult) -> None:
    for number, run in enumerate((hand_run(), real_run)):
        write_parquet(run, tmp_path / str(number))
        again = read_run(tmp_path / str(number))
        assert_same_tables(run, again)
        assert again.scenario == run.scenario
        assert again.provenance == run.provenance


def test_parquet_keeps_categories_that_do_not_occur(tmp_path: Path) -> None:
    run = hand_run()
    empty = dataclasses.replace(run, requests=run.requests.iloc[:0], queues=run.queues.iloc[:0])
    write_parquet(empty, tmp_path / "run")
    again = read_run(tmp_path / "run")
    assert_same_tables(empty, again)
    assert list(again.requests["status"].cat.categories)[1:3] == ["rejected", "failed"]


def test_equal_runs_give_equal_bytes(tmp_path: Path, real_run: RunResult) -> None:
    second = simulate(real_run.scenario)
    for number, run in enumerate((real_run, second)):
        write_parquet(run, tmp_path / f"parquet{number}")
        write_csv(run, tmp_path / f"csv{number}")
    one, two = files_in(tmp_path / "parquet0"), files_in(tmp_path / "parquet1")
    assert one.pop("provenance.json") != two.pop("provenance.json")
    assert one == two
    assert files_in(tmp_path / "csv0") == files_in(tmp_path / "csv1")


def test_csv_holds_full_precision(tmp_path: Path) -> None:
    run = hand_run()
    run.requests.loc[0, "e2e_s"] = 0.1 + 0.2
    write_csv(run, tmp_path)
    again = pd.read_csv(tmp_path / "requests.csv", dtype={"e2e_s": str})
    assert float(again["e2e_s"][0]) == 0.1 + 0.2
    assert np.isnan(again["dispatch_s"][3])
    assert b"\r" not in (tmp_path / "requests.csv").read_bytes()


@pytest.mark.parametrize("start", list("=+-@\t\r\n"))
def test_text_that_starts_like_a_formula_is_disarmed(start: str) -> None:
    evil = f'{start}HYPERLINK("http://x";"y")'
    for dtype in ("category", "str", object):
        table = pd.DataFrame({"reason": pd.Series([evil, "fine", ""], dtype=dtype), "n": -1.5})
        again = pd.read_csv(io.StringIO(csv_text(table), newline=""), keep_default_na=False)
        assert again["reason"].str.startswith("'").tolist() == [True, False, False]
        assert list(again["n"]) == [-1.5] * 3


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "queues.csv").write_text("old")
    monkeypatch.setattr("driftsched.results.export.metrics_table", lambda _: 1 / 0)
    for folder in ("run", "new"):
        with pytest.raises(ZeroDivisionError):
            write_csv(hand_run(), tmp_path / folder)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert files_in(tmp_path / "run") == {"queues.csv": b"old"}


def test_writing_into_a_folder_keeps_what_else_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "queues.csv").write_text("old")
    write_csv(hand_run(), tmp_path)
    files = files_in(tmp_path)
    assert files["notes.txt"] == b"mine"
    assert files["queues.csv"].startswith(b"time_s,tenant,waiting,running\n0.0,a,1,0\n")
    assert not [name for name in files if name.startswith(".")]


def test_what_cannot_be_written_or_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for write in (write_csv, write_parquet):
        with pytest.raises(RunError, match=r"^cannot write to .*file.*: .+$"):
            write(hand_run(), tmp_path / "file" / "run")
    with pytest.raises(RunError, match=r"^cannot read the run in .*: No such file"):
        read_run(tmp_path / "nothing")
    write_parquet(hand_run(), tmp_path / "run")
    (tmp_path / "run" / "gpus.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(RunError, match=r"^cannot read .*gpus.parquet: .+$"):
        read_run(tmp_path / "run")


def test_flipped_bits_are_told_in_one_line(tmp_path: Path) -> None:
    rng = random.Random(1)
    write_parquet(hand_run(), tmp_path)
    for path in sorted(tmp_path.iterdir()):
        good = path.read_bytes()
        for _ in range(60):
            bad = bytearray(good)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            path.write_bytes(bad)
            try:
                read_run(tmp_path)
            except DriftSchedError as error:
                assert "\n" not in str(error)
                assert path.name in str(error) or isinstance(error, ScenarioError)
        path.write_bytes(good)


def test_a_table_under_anothers_name_is_refused(tmp_path: Path) -> None:
    write_parquet(hand_run(), tmp_path)
    (tmp_path / "queues.parquet").write_bytes((tmp_path / "gpus.parquet").read_bytes())
    with pytest.raises(RunError, match=r"queues.parquet: it is no table of queues: column"):
        read_run(tmp_path)


def test_zip_holds_everything(real_run: RunResult) -> None:
    with zipfile.ZipFile(io.BytesIO(export_zip(real_run, COMMAND, "<p>Report</p>"))) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {
        "README.txt",
        "report.html",
        "metrics.csv",
        "scenario.yaml",
        "provenance.json",
        "SHA256SUMS",
        *(f"tables/{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")),
        *(f"paper/{name}.csv" for name in ("metrics", "queue_depth", "telemetry")),
    }
    assert COMMAND in files["README.txt"].decode()
    assert from_yaml(files["scenario.yaml"].decode()) == real_run.scenario
    assert json.loads(files["provenance.json"]) == real_run.provenance
    assert len(pd.read_csv(io.BytesIO(files["tables/requests.csv"]))) == 120
    assert len(pd.read_parquet(io.BytesIO(files["tables/requests.parquet"]))) == 120


def test_equal_runs_give_equal_zips() -> None:
    assert export_zip(hand_run(), COMMAND, "r") == export_zip(hand_run(), COMMAND, "r")
    assert export_zip(hand_run(), COMMAND) != export_zip(hand_run(seed=2), COMMAND)


def test_paper_metrics_by_hand() -> None:
    table = paper_metrics(hand_run())
    assert list(table.columns) == METRICS
    assert list(table["timestamp"]) == [2.5, 5.0, 6.0, 1.5, 4.0, 6.5, 8.0]
    assert table["batch_size"].tolist() == [1, 2, 2, pd.NA, pd.NA, 2, 2]
    assert table["generated_tokens"].tolist() == [5, 9, 4, pd.NA, pd.NA, 1, 4]
    np.testing.assert_array_equal(
        table["feedback_new_bias"], [1.0, 1.4, 0.75, NAN, NAN, 0.825, 0.8125]
    )
    np.testing.assert_array_equal(table["feedback_old_bias"], [1.0, 1.0, 1.0, NAN, NAN, 1.4, 0.825])
    np.testing.assert_allclose(table["inference_seconds"], [2.5, 2.5, 3.5, NAN, NAN, 0.5, 2.0])
    assert list(table["estimation_bias"]) == [1.0] * 6 + [1.4]
    assert (
        csv_text(table).splitlines()[4].startswith("1.5,fifo,3,b,report,report,batch,,,46,6,10,,")
    )


def test_paper_metrics_hold_their_own_identities(real_run: RunResult) -> None:
    table = paper_metrics(real_run)
    np.testing.assert_allclose(
        table["queue_wait_seconds"] + table["inference_seconds"], table["end_to_end_seconds"]
    )
    budget = table["base_tokens"] * table["estimation_bias"]
    budget *= table["safety_factor"] * table["input_factor"]
    assert (abs(budget - table["estimated_output_tokens"] - 0.5) <= 0.5 + 1e-9).all()
    assert table["batch_size"].max() <= 32


def test_paper_queue_depth_by_hand() -> None:
    table = paper_queue_depth(hand_run())
    assert list(table.columns) == [
        "elapsed_seconds",
        "premium_queue",
        "standard_queue",
        "batch_queue",
        "total_queue_size",
    ]
    assert list(table["elapsed_seconds"]) == list(range(9))
    assert list(table["premium_queue"]) == [0, 1, 1, 0, 0, 1, 0, 0, 0]
    assert list(table["standard_queue"]) == [0] * 9
    assert list(table["batch_queue"]) == [0, 1, 2, 1, 0, 0, 0, 0, 0]
    assert list(table["total_queue_size"]) == [0, 2, 3, 1, 0, 1, 0, 0, 0]


def test_paper_telemetry() -> None:
    run = hand_run()
    table = paper_telemetry(run)
    assert list(table.columns) == [
        "timestamp",
        "temperature_c",
        "power_w",
        "pstate",
        "sm_clock_mhz",
        "memory_clock_mhz",
        "gpu_utilization",
        "memory_utilization",
        "memory_used_mb",
        "memory_total_mb",
    ]
    np.testing.assert_allclose(table["timestamp"], np.arange(41) * 0.2)
    np.testing.assert_allclose(table["gpu_utilization"], np.linspace(0, 100, 41))
    assert (table["memory_total_mb"] == 24_000).all()
    assert table["pstate"].isna().all()
    # Sampled every 2 s, each value holds for ten rows of 200 ms.
    coarse = dataclasses.replace(run, gpus=run.gpus.iloc[::10].reset_index(drop=True))
    assert list(paper_telemetry(coarse)["gpu_utilization"].round(6)) == sorted(
        [0, 25, 50, 75] * 10 + [100]
    )


def test_paper_files_of_a_run_without_samples() -> None:
    run = hand_run()
    empty = dataclasses.replace(run, gpus=run.gpus.iloc[:0], queues=run.queues.iloc[:0])
    assert paper_telemetry(empty).empty
    assert paper_queue_depth(empty)["total_queue_size"].tolist() == [0]
