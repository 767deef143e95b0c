"""The package as a user installs it: from a wheel, in an environment and a folder of their own."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from driftsched.scenario import preset_names
from tests.support.browser import Opener, Server
from tests.support.pages import TITLES, errors_shown, page_names

ROOT = Path(__file__).resolve().parents[2]
FEW = ("--set", "phases.0.requests=30", "--set", "phases.1.requests=30")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of an environment with our wheel, which finds everything else where it is already."""
    folder = tmp_path_factory.mktemp("environment")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    build = ["wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build, *offline], check=True)
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("driftsched-*.whl")
    subprocess.run([*pip, "--python", str(python), "install", *offline, str(wheel)], check=True)
    inside = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    (Path(inside) / "others.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    yield folder / "venv"
    for process in psutil.process_iter(["cmdline"]):  # the kernel's compiler outlives its server
        if (process.info["cmdline"] or [""])[0] == str(python):
            process.kill()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of the checkout: neither its path nor its runs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"DRIFTSCHED_HOME": str(tmp_path / "home")}


def output(installed: Path, environment: dict[str, str], folder: Path, *argv: str) -> Any:
    program = str(installed / "bin" / "driftsched")
    done = subprocess.run(
        [program, *argv], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_installed_command_runs_compares_and_knows_the_presets(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """A preset that stayed in the checkout would be found by its developers alone."""
    presets = output(installed, environment, tmp_path, "presets", "--json")["presets"]
    assert [preset["name"] for preset in presets] == preset_names()
    run = output(installed, environment, tmp_path, "run", "paper", *FEW, "--json")
    assert (run["scenario"], run["completed"]) == ("paper", 60)
    compared = output(
        installed,
        environment,
        tmp_path,
        "compare",
        "paper",
        *FEW,
        "--policies",
        "fifo,sjf",
        "--json",
    )
    assert list(compared["policies"]) == ["fifo", "sjf"]


NOTHING_KEPT = ("compare", "library")
"""Pages that say how to come by runs where none is kept."""


def test_installed_studio_draws_every_page(installed: Path, tmp_path: Path, browser: Any) -> None:
    """Pages, theme and scripts come from the wheel; the working folder has nothing."""
    with Server.installed(installed / "bin" / "driftsched", tmp_path) as server:
        opener = Opener(browser, server.url)
        for name in page_names():
            page = opener(f"/{name}")
            page.get_by_role("heading", name=TITLES[name], exact=True, level=1).wait_for()
            # not until all is settled: that would be when the kernel has been compiled anew
            shown = "[data-testid=stAlert]" if name in NOTHING_KEPT else ".main-svg"
            page.locator(shown).first.wait_for()
            assert errors_shown(page) == []
            page.close()
        opener.close()
        assert opener.problems == []
