"""A library of its own for each test of a command, and a recorded trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import TRACE


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give each test a library of its own, whatever ran before it."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path / "home"))


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "traffic.csv"
    path.write_text(TRACE, encoding="utf-8")
    return str(path)
