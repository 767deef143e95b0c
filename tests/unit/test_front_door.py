"""What a newcomer meets beside the code: API pages, the changelog, the hook before a commit."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from driftsched import __version__
from scripts.api_pages import public_packages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api")
    command = [sys.executable, str(ROOT / "scripts" / "api_pages.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("package", public_packages())
def test_api_page_has_every_public_name(pages: Path, package: str) -> None:
    """Else a reader would take what is missing for private."""
    folder = pages / package.replace(".", "/")
    page = folder.with_suffix(".html").read_text(encoding="utf-8")
    for name in import_module(package).__all__:
        own_page = (folder / f"{name}.html").is_file()  # where the name is that of a module
        assert own_page or f'id="{name}"' in page, name


def test_changelog_ends_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[(.+?)\]", text, flags=re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert __version__ in heads
    kinds = set(re.findall(r"^### (\w+)$", text, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_hook_before_a_commit_runs_what_make_check_runs() -> None:
    """Two lists of checks would differ one day."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (hook,) = config["repos"][0]["hooks"]
    assert hook["entry"].split()[0::2] == ["make", "check"]
    assert not hook["pass_filenames"], "all files are checked together"
