"""The examples run: what a newcomer copies must work."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from examples import live_endpoint, own_compensator, own_policy
from tests.support.faulty_server import FaultyServer

FOLDER = Path(__file__).resolve().parents[2] / "examples"


def test_every_example_is_run_here() -> None:
    names = {path.stem for path in FOLDER.iterdir() if path.suffix in {".py", ".ipynb"}}
    assert names == {"own_policy", "own_compensator", "live_endpoint", "first_steps"}


def test_own_policy_stands_beside_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    table = own_policy.main(["--requests", "100"])
    assert list(table.index) == ["fifo", "priority", "sjf", "deadline"]
    assert table.notna().all(axis=None)
    premium = table["premium"].to_dict()
    assert premium["deadline"] < premium["fifo"]
    assert "deadline" in capsys.readouterr().out


def test_own_compensator_learns_from_its_own_trace() -> None:
    """One that learnt nothing would leave the error of no compensation."""
    errors = own_compensator.main([])
    assert errors["two speeds"] < 0.8 * errors["none"]
    assert errors["two speeds"] != errors["ema"]


def test_own_compensator_takes_a_trace(tmp_path: Path) -> None:
    own_compensator.record(tmp_path / "mine.csv", requests=200)
    assert own_compensator.main([str(tmp_path / "mine.csv")]).notna().all()


def test_live_example_serves_every_request(capsys: pytest.CaptureFixture[str]) -> None:
    with FaultyServer() as server:
        run = live_endpoint.main([server.address("fine"), "--requests", "6", "--time-scale", "0.1"])
    assert run.requests["status"].tolist() == ["finished"] * 7
    out = capsys.readouterr().out
    assert "live " in out
    assert "simulated " in out


def test_notebook_runs_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    """Its code is run as Jupyter would: the last line of a cell is what the cell shows."""
    cells = json.loads((FOLDER / "first_steps.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = [run_cell("".join(c["source"]), names) for c in cells if c["cell_type"] == "code"]
    table, biases, verdict, figure, _ = shown
    assert isinstance(table, pd.DataFrame)
    assert np.isfinite(biases).all()
    assert "SJF's median latency" in verdict
    assert isinstance(figure, go.Figure)
    assert "name: paper" in capsys.readouterr().out
    assert not any(c.get("outputs") for c in cells), "a stored output would grow old"


def run_cell(source: str, names: dict[str, Any]) -> Any:
    *first, last = ast.parse(source).body
    exec(compile(ast.Module(first, []), "notebook", "exec"), names)  # noqa: S102  our own
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)  # noqa: S307
    exec(compile(ast.Module([last], []), "notebook", "exec"), names)  # noqa: S102  our own
    return None
