"""``driftsched tune``: what it prints is what the library finds; the tuned scenario runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftsched.scenario import load_scenario
from tests.support.commands import SMALL, called, data_of

ASKED = (
    *("tune", SMALL, "--over", "policy=fifo,sjf", "--metric", "p50_e2el_ms"),
    *("--drifts", "1", "--trials", "4", "--seeds", "2", "--held-out", "4", "--processes", "1"),
)


def test_what_is_found_is_printed_and_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "tuned.yaml"
    data = data_of(capsys, *ASKED, "--out", str(out), "--json")
    (best,) = data["candidates"]
    assert load_scenario(str(out)).policy.kind == best["settings"]["policy"]
    assert data["trials"] == 4
    _, text, _ = called(capsys, *ASKED)
    assert text.splitlines()[0].split()[-3:] == ["searched", "unseen", "change"]
    assert f"{data['says']}." in text


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--metric", "fast", "metric must be one of"),
        ("--over", "policy", "a parameter must be name=values"),
        ("--storage", "nowhere", "storage must be a database's address"),
        ("--storage", "sqlite:////nowhere/x.db", "storage must be a database's address"),
        ("--storage", "mars://x", "storage must be a database's address"),
        ("--held-out", "1", "held_out must be >= 2"),
    ],
)
def test_wrong_input_is_one_message(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    code, _, err = called(capsys, *ASKED, option, value)
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
