"""Explore before the compiled kernel has been compiled: a first start from a fresh checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.patience import STEP_S

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import json
import sys
import time

import psutil
from streamlit.testing.v1 import AppTest

limit_s = float(sys.argv[1])
app = AppTest.from_file("app.py", default_timeout=limit_s)
end = time.monotonic() + limit_s
while time.monotonic() < end:
    app.run()
    if app.metric or app.exception or app.error:
        break
print(json.dumps({
    "info": [box.value for box in app.info],
    "captions": [text.value for text in app.caption],
    "metrics": [number.value for number in app.metric],
    "wrong": [box.value for box in [*app.exception, *app.error]],
}))
for begun in psutil.Process().children(recursive=True):
    begun.kill()  # the compiler would go on for a minute beside the tests that follow
"""


def test_first_visitor_has_a_picture_and_is_told_what_is_prepared(tmp_path: Path) -> None:
    """The compiler takes a minute; nobody must wait for it in front of an empty page."""
    for name in ("driftsched", "pages", "presets"):
        fresh = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=fresh)
    shutil.copy(ROOT / "app.py", tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "DRIFTSCHED_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(STEP_S)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    page = json.loads(done.stdout.splitlines()[-1])
    assert page["wrong"] == []
    assert len(page["metrics"]) == 5
    assert len(page["info"]) == 1
    assert "fast engine is being prepared" in page["info"][0]
    assert "2 replications" in page["info"][0]
    said = " ".join(page["captions"])
    assert "Run by the SimPy engine" in said
