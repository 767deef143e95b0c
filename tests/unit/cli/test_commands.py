"""Every command: exit codes, one-line errors, changes to a scenario."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from driftsched.cli import main
from driftsched.cli.main import COMMANDS
from driftsched.cli.output import progress_bar
from driftsched.core.errors import UnknownNameError
from driftsched.scenario import load_scenario, parse_scenario, preset_names
from tests.support.commands import ROOT, SMALL, as_in_a_terminal, called, data_of, process
from tests.support.patience import STEP_S


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
        preexec_fn=as_in_a_terminal,  # noqa: PLW1509  it calls nothing that could hold a lock
    ) as running:
        assert running.stderr is not None
        assert "3 rows read" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=STEP_S)
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
    with progress_bar("working") as progress:
        for share in (0.0, 0.5, 1.0):
            progress(share)
    assert capsys.readouterr().err == ""
