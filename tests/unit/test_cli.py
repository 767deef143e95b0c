"""The command line: exit codes, one-line errors, JSON of a fixed shape, files that repeat."""

from __future__ import annotations

import json
import math
import os
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.cli import main
from driftsched.cli.commands import COMMANDS
from driftsched.cli.output import aligned, print_json
from driftsched.cli.progress import ProgressBar
from driftsched.errors import UnknownNameError
from driftsched.experiments import compare
from driftsched.results import RunLibrary, read_run, summarise
from driftsched.scenario import load_scenario, parse_scenario, preset_names

ROOT = Path(__file__).resolve().parents[2]
SMALL = str(ROOT / "tests" / "support" / "small.yaml")
TRACE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:51.2225670,879,55
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give each test a library of its own, whatever ran before it."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))


def called(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def data_of(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    code, out, err = called(capsys, *argv)
    assert code == 0, err

    def refused(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    data: dict[str, Any] = json.loads(out, parse_constant=refused)
    return data


def process(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "driftsched", *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "traffic.csv"
    path.write_text(TRACE, encoding="utf-8")
    return str(path)


# compare


def test_compare_json_has_the_published_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read these keys; a missing one breaks them."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "5", "--json")
    assert data["scenario"] == "small"
    assert data["seeds"] == [3, 4, 5, 6, 7]
    assert list(data["policies"]) == ["fifo", "sjf"]
    for policy in data["policies"].values():
        assert {"p50_e2el_ms", "p99_e2el_ms", "mean_ttft_ms", "p95_tpot_ms"} <= set(policy)
        ends = ("completed", "rejected", "failed", "timed_out", "cancelled")
        assert policy["submitted"] == sum(policy[end] for end in ends) == 150
        assert list(policy["by_tenant"]) == ["gold", "bulk"]
        assert policy["by_tenant"]["gold"]["p50_e2el_ms"] > 0
        assert list(policy["by_category"]) == ["short_qa", "report"]
        low, high = policy["interval"]["p50_e2el_ms"]
        assert low <= policy["p50_e2el_ms"] <= high
        low, high = policy["by_tenant"]["gold"]["interval"]["mean_ttft_ms"]
        assert low <= policy["by_tenant"]["gold"]["mean_ttft_ms"] <= high
        assert len(policy["per_seed"]["p99_e2el_ms"]) == 5
    errors = data["estimation"]
    for name in ("none", "ema"):
        assert errors[name]["rmse"] >= errors[name]["mae"] > 0
    for measure in ("mae", "rmse"):
        share = 1 - errors["ema"][measure] / errors["none"][measure]
        assert errors[f"{measure}_reduction"] == pytest.approx(share)
    assert data["against"] == "fifo"
    assert list(data["changes"]) == ["sjf"]


def test_every_figure_of_a_comparison_has_its_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A figure of one seed alone, or without an interval, would pass luck off as a finding."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "4", "--json")
    for policy in data["policies"].values():
        groups = [g for scope in ("by_tenant", "by_category") for g in policy[scope].values()]
        for figures in (policy, *groups):
            assert set(figures["interval"]) == {
                name for name, value in figures.items() if not isinstance(value, dict)
            }
        for name in ("jain_index", "service_gap_tokens", "misclassified_share", "starved"):
            low, high = policy["interval"][name]
            assert policy[name] == pytest.approx(np.mean(policy["per_seed"][name]))
            assert len(set(policy["per_seed"][name])) == 1 or low < policy[name] < high
    for name in ("none", "ema"):
        low, high = data["estimation"][name]["interval"]["mae"]
        assert low < data["estimation"][name]["mae"] < high
    low, high = data["estimation"]["mae_reduction_interval"]
    assert low < data["estimation"]["mae_reduction"] < high


def test_changes_come_with_a_plain_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Who reads only the sentence must read what the interval says."""
    data = data_of(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "4", "--json")
    for metric, change in data["changes"]["sjf"].items():
        assert change["low"] is None or change["low"] <= change["mean"] <= change["high"], metric
        told = change["low"] is not None and not change["low"] <= 0 <= change["high"]
        unclear = "can be told" in change["verdict"] or "not known" in change["verdict"]
        assert unclear != told, metric
    assert data["changes"]["sjf"]["p50_e2el_ms"]["verdict"].startswith("sjf's median latency")
    needed = data["replications_needed"]["fifo"]["p50_e2el_ms"]
    assert needed is None or needed >= 2


def test_run_has_every_metric_that_compare_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Else the same question would have an answer under one command only."""
    run = data_of(capsys, "run", SMALL, "--json")
    policy = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json")["policies"]["fifo"]
    assert run["policy"] == "fifo"
    assert policy == {name: run[name] for name in policy}
    assert run["interval"]["p99_e2el_ms"] == [None, None]
    assert "cannot tell by itself" in run["steady_state"]["remark"]


def test_compare_json_tells_what_the_library_does(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure that the command line computes in its own way would differ from the studio's."""
    data = data_of(capsys, "compare", SMALL, "--policies", "sjf", "--json")
    comparison = compare(load_scenario(SMALL), ["sjf"])
    summary = summarise(comparison.first["sjf"].requests, comparison.scenario)
    for name, value in summary.items():
        shown = data["policies"]["sjf"][name]
        assert value is None or shown == pytest.approx(value), name


def test_compare_takes_all_policies_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, "compare", SMALL, "--json")
    assert {"fifo", "priority", "weighted", "sjf", "aging"} <= set(data["policies"])
    assert "interval" not in data["policies"]["fifo"], "one seed has no interval"


def test_unknown_is_null_and_not_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN is no JSON: strict parsers refuse the whole answer."""
    data = data_of(
        capsys, "compare", SMALL, "--json", "--policies", "fifo", "--set", "tenants.0.slo={}"
    )
    assert data["policies"]["fifo"]["slo_attainment"] is None
    print_json({"a": [math.nan, math.inf, {"b": -math.inf}], "c": 1.5})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, {"b": None}], "c": 1.5}


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("--engine-mode", "continuous", "engine_mode"),
        ("--unit", "tokens", "unit"),
        ("--lengths", "capped", "lengths"),
    ],
)
def test_switches_change_the_run(
    capsys: pytest.CaptureFixture[str], option: str, value: str, key: str
) -> None:
    """A switch that only renamed the run would compare a thing with itself."""
    plain = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json")
    other = data_of(capsys, "compare", SMALL, "--policies", "fifo", "--json", option, value)
    assert (plain[key], other[key]) != (value, plain[key])
    assert other[key] == value
    assert (plain["policies"], plain["estimation"]) != (other["policies"], other["estimation"])


def test_compare_for_people_lines_up(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "compare", SMALL, "--policies", "fifo,sjf", "--seeds", "3")
    assert (code, err) == (0, "")
    assert "A small one: 150 requests, gang batching, lengths in words, seeds 3 to 5" in out
    assert "sjf's median latency" in out
    assert "In brackets: 95 % interval over the seeds" in out
    table = [line for line in out.splitlines() if line.startswith(("policy", "fifo", "sjf "))]
    assert len({len(line) for line in table}) == 1


def test_columns_line_up() -> None:
    text = aligned(["", "one"], [["a", "1"], ["long", "1234"]])
    assert text.splitlines() == ["       one", "a        1", "long  1234"]


# scenario, trace, overrides


def test_set_and_seed_change_the_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(
        capsys, "run", SMALL, "--set", "phases.0.requests=20", "--seed", "9", "--json",
        "--policy", "sjf",
    )  # fmt: skip
    assert (data["submitted"], data["seed"], data["policy"]) == (20, 9, "sjf")


def test_trace_replaces_the_traffic_and_is_told(
    capsys: pytest.CaptureFixture[str], trace: str
) -> None:
    data = data_of(capsys, "compare", SMALL, "--trace", trace, "--json", "--policies", "fifo")
    assert data["policies"]["fifo"]["submitted"] == 3
    assert data["trace"]["rows_read"] == 3
    code, out, err = called(capsys, "run", SMALL, "--trace", trace, "--set", "trace.limit=2")
    assert code == 0
    assert "3 rows read, 2 taken, 0 skipped" in err
    assert "trace" not in out


def test_broken_row_stops_or_is_listed(capsys: pytest.CaptureFixture[str], trace: str) -> None:
    """A row left out in silence would make another experiment of the file."""
    with Path(trace).open("a", encoding="utf-8") as stream:
        stream.write("2023-11-16 18:15:52.0000000,-4,9\n")
    code, out, err = called(capsys, "run", SMALL, "--trace", trace)
    assert (code, out) == (2, "")
    assert err.startswith("error: line 5, column ContextTokens: ")
    data = data_of(capsys, "run", SMALL, "--trace", trace, "--set", "trace.on_error=skip", "--json")
    assert (data["trace"]["rows_skipped"], data["completed"]) == (1, 3)
    assert data["trace"]["problems"][0].startswith("line 5")


# errors

WRONG = [
    ([], "command must be one of run, compare, export"),
    (["no-such"], "command must be one of run, compare"),
    (["run"], "the following arguments are required: scenario"),
    (["run", "no-such"], "scenario must be a file or one of paper"),
    (["run", SMALL, "--policy", "lifo"], "policy must be one of fifo, priority, weighted, sjf"),
    (["run", SMALL, "--set", "tenants.0.weight=-1"], "tenants[0].weight must be > 0, got -1"),
    (["run", SMALL, "--set", "colour=red"], "colour is not a field of a scenario"),
    (["run", SMALL, "--set", "seed"], "--set must be key.path=value, got 'seed'"),
    (["run", SMALL, "--seed", "x"], "--seed: invalid int value: 'x'"),
    (["run", SMALL, "--seed", "-1"], "seed must be >= 0, got -1"),
    (["run", SMALL, "--trace", "/no/such.csv"], "/no/such.csv"),
    (["run", SMALL, "--bogus"], "unrecognized arguments: --bogus"),
    (["run", SMALL, "--set", "cluster.memory_utilisation=0.01"], "cluster: "),
    (["run", str(ROOT)], "scenario must be a file or one of paper"),
    (["compare", SMALL, "--policies", "fifo,lifo"], "policy must be one of fifo, priority"),
    (["compare", SMALL, "--policies", "fifo,fifo"], "policies must be named once each"),
    (["compare", SMALL, "--policies", ","], "policies must name at least one of fifo"),
    (["compare", SMALL, "--seeds", "0"], "--seeds: must be a whole number from 1"),
    (["compare", SMALL, "--engine-mode", "fast"], "--engine-mode: invalid choice: 'fast'"),
    (["export", SMALL], "export needs at least one of --csv, --parquet, --paper, --zip, --html"),
    (["export", str(ROOT), "--html", "x.html"], "run folder must hold what `run --out` wrote"),
    (["presets", "no-such"], "scenario must be a file or one of paper"),
]


@pytest.mark.parametrize(("argv", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    """A traceback tells a user nothing; another code tells a script the wrong thing."""
    code, out, err = called(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_bad_input_of_a_process_is_the_same() -> None:
    done = process("run", "no-such")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: scenario must be a file or one of paper")
    assert done.stderr.count("\n") == 1


def test_what_cannot_be_written_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    code, _, err = called(capsys, "run", SMALL, "--out", str(blocked / "run"))
    assert code == 1
    assert err.startswith("error: cannot write")
    assert err.count("\n") == 1


def test_ctrl_c_stops_with_130(trace: str) -> None:
    """Ctrl-C that prints a traceback looks like a crash."""
    command = [sys.executable, "-m", "driftsched", "compare", SMALL, "--trace", trace]
    with subprocess.Popen(
        [*command, "--seeds", "10000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        assert "3 rows read" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.endswith("stopped\n")


def test_closed_pipe_is_quiet() -> None:
    """``driftsched schema | head`` must not end in a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "driftsched", "schema"]
    done = subprocess.run(
        command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert COMMANDS[name].summary[1:] in " ".join(capsys.readouterr().out.split())


# run and export


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """A run that depends on the process could not be repeated by anybody else."""
    for number in ("1", "2"):
        done = process(
            "run", SMALL, "--policy", "weighted", "--out", str(tmp_path / number),
            env=os.environ | {"PYTHONHASHSEED": number},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {"requests.parquet", "queues.parquet", "gpus.parquet", "learning.parquet"} < set(names)
    for name in set(names) - {"provenance.json"}:
        first, second = (tmp_path / number / name for number in ("1", "2"))
        assert first.read_bytes() == second.read_bytes(), name


def test_saved_run_is_exported_as_it_was(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = data_of(capsys, "run", SMALL, "--save", "--title", "Kept", "--json")
    saved = RunLibrary().load(data["run_id"])
    code, out, _ = called(capsys, "export", data["run_id"], "--csv", str(tmp_path / "csv"))
    assert (code, out) == (0, "")
    table = pd.read_csv(tmp_path / "csv" / "requests.csv")
    assert table["e2e_s"].to_numpy() == pytest.approx(saved.requests["e2e_s"].to_numpy())


def test_run_folder_is_exported_in_every_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = str(tmp_path / "run")
    called(capsys, "run", SMALL, "--out", run)
    files = {"--parquet": "pq", "--paper": "paper", "--zip": "run.zip", "--html": "run.html"}
    options = [word for name, file in files.items() for word in (name, str(tmp_path / file))]
    code, _, err = called(capsys, "export", run, *options)
    assert code == 0, err
    pd.testing.assert_frame_equal(read_run(tmp_path / "pq").requests, read_run(run).requests)
    depth = pd.read_csv(tmp_path / "paper" / "queue_depth.csv")
    assert "premium_queue" in depth.columns
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert {"report.html", "metrics.csv", "tables/requests.parquet"} <= set(archive.namelist())
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "A small one" in page
    assert "python -m driftsched run scenario.yaml" in page


def test_saved_run_takes_no_changes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A change that is ignored would give the user another run than they asked for."""
    run = str(tmp_path / "run")
    called(capsys, "run", SMALL, "--out", run)
    code, _, err = called(capsys, "export", run, "--seed", "2", "--html", str(tmp_path / "x"))
    assert code == 2
    assert "--seed must not be given for a saved run" in err


def test_exported_command_repeats_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    argv = ["--policy", "sjf", "--set", "title=it's 5 > 3", "--seed", "8"]
    folder = tmp_path / "zip"
    called(capsys, "export", SMALL, *argv, "--zip", str(tmp_path / "run.zip"))
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        readme = archive.read("README.txt").decode()
        archive.extractall(folder)
    command = next(line for line in readme.splitlines() if "-m driftsched run" in line)
    words = shlex.split(command)[3:]
    code, _, err = called(capsys, *words, "--out", str(tmp_path / "again"))
    assert code == 0, err
    first, second = folder / "tables" / "requests.parquet", tmp_path / "again" / "requests.parquet"
    assert first.read_bytes() == second.read_bytes()


# library, presets, schema, registry, progress


def test_saved_runs_are_listed_with_the_ids_that_export_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a saved run's id could only be found by looking into folders."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))
    assert "No saved run" in called(capsys, "library")[1]
    kept = data_of(capsys, "run", SMALL, "--save", "--title", "Kept", "--json")["run_id"]
    listed = data_of(capsys, "library", "--json")["runs"]
    assert [(run["run_id"], run["title"]) for run in listed] == [(kept, "Kept")]
    _, out, _ = called(capsys, "library")
    assert out.splitlines()[1].startswith(kept)
    assert out.splitlines()[1].endswith("Kept")
    code, _, err = called(capsys, "export", kept, "--csv", str(tmp_path / "csv"))
    assert code == 0, err


def test_presets_are_listed_with_their_questions(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, "presets", "--json")
    assert [preset["name"] for preset in data["presets"]] == preset_names()
    assert all(preset["question"].endswith("?") for preset in data["presets"])
    _, out, _ = called(capsys, "presets")
    assert [line.split()[0] for line in out.splitlines()[::2]] == preset_names()


def test_preset_is_printed_as_yaml_and_as_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, out, _ = called(capsys, "presets", "paper")
    (tmp_path / "mine.yaml").write_text(out, encoding="utf-8")
    paper = load_scenario("paper")
    assert load_scenario(tmp_path / "mine.yaml") == paper
    assert parse_scenario(data_of(capsys, "presets", "paper", "--json")) == paper


def test_schema_is_that_of_a_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    data = data_of(capsys, "schema")
    assert {"tenants", "phases", "policy", "schema"} <= set(data["properties"])


def test_unknown_command_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'compare'"):
        COMMANDS["compere"]


def test_progress_is_drawn_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a log file or in a script's stderr are noise."""
    with ProgressBar("working") as progress:
        for share in (0.0, 0.5, 1.0):
            progress(share)
    assert capsys.readouterr().err == ""
