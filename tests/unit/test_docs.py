"""The documents say what is there: modules, pages, commands, pictures, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from driftsched.studio.page import PAGES

ROOT = Path(__file__).resolve().parents[2]
STRUCTURE = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_structure_names_every_folder_and_nothing_else() -> None:
    """A reader looks there first."""
    there = {
        f"driftsched/{path.parent.name}/" for path in (ROOT / "driftsched").glob("*/__init__.py")
    }
    listed = re.findall(r"`(driftsched/\w+/)`", STRUCTURE)
    assert sorted(listed) == sorted(there), "docs/structure.md is out of date"


def test_structure_names_modules_that_exist() -> None:
    for name in re.findall(r"`(\w+(?:/\w+)+(?:\.py|/))`", STRUCTURE):
        assert (ROOT / name).exists() or (ROOT / "driftsched" / name).exists(), name


@pytest.mark.parametrize("file", [file for file, _, _ in PAGES])
def test_readme_shows_every_page(file: str) -> None:
    """To comply: `make screenshots`, and a line in README.md."""
    picture = f"docs/images/{file.removesuffix('.py')}.png"
    assert picture in README
    assert (ROOT / picture).stat().st_size > 10_000


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_python_in_the_readme_runs() -> None:
    """Else the first lines that a newcomer copies would fail."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102  our own README
    assert (names["result"].requests["status"] == "finished").all()
