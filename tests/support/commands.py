"""Commands called in this process, or in one of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driftsched.cli import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = str(ROOT / "tests" / "support" / "small.yaml")
TRACE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:51.2225670,879,55
"""


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


def as_in_a_terminal() -> None:
    """Let a command hear Ctrl-C and SIGHUP, also where these tests run under nohup or behind."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
