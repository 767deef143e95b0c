"""What may import what, and how long things may get: read from the source, not from a list."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "driftsched"
FILES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"])
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
PATHS = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__main__.py"]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in PATHS
]
FLOORS = {
    **dict.fromkeys(("studio", "cli"), 7),
    **dict.fromkeys(("experiments", "charts"), 6),
    **dict.fromkeys(("simulation", "live"), 5),
    "gateway": 4,
    **dict.fromkeys(("workload", "results"), 3),
    "scenario": 2,
    **dict.fromkeys(("estimation", "scheduling", "serving", "traffic"), 1),
    "core": 0,
}
"""Folders of the package, and how high they stand; see docs/structure.md."""
ONLY_IN = {
    "streamlit": ("app.py", "pages/", "driftsched/studio/"),
    "simpy": ("driftsched/simulation/",),
    **dict.fromkeys(
        ("torch", "transformers", "tokenizers", "gguf", "httpx", "prometheus_client", "pynvml"),
        ("driftsched/live/",),
    ),
}
"""Packages, and the only places that may import them, inside a function or not."""
LAZY = {"torch", "transformers", "tokenizers", "gguf", "httpx", "prometheus_client", "pynvml"}
MOST_LINES = 400
MOST_LINES_A_FUNCTION = 60


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> Iterator[str]:
    """Top-level packages that a piece of code imports."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and not part.level:
            yield (part.module or "").partition(".")[0]


def typing_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_imported_only_where_it_belongs(name: str) -> None:
    """The library must run without a browser, and the studio without torch."""
    code = tree(ROOT / name)
    code.body = [node for node in code.body if not typing_only(node)]
    for package in set(imported(code)) & set(ONLY_IN):
        assert name.startswith(ONLY_IN[package]), f"{name} must not import {package}"


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("driftsched/live/")])
def test_live_engines_import_heavy_packages_late(name: str) -> None:
    """A plain import of driftsched.live must cost nothing and need no extra."""
    for node in tree(ROOT / name).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            heavy = set(imported(node)) & LAZY
            assert not heavy, f"{name} must import {heavy} inside a function"


def imports_of(path: Path) -> set[str]:
    """Modules of ours that a file imports, anywhere in it, types included."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return found & set(MODULES)


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("driftsched/")])
def test_arrows_point_down(name: str) -> None:
    """A floor that knows the one above it cannot be read, or used, without it."""
    own = FLOORS.get(name.split("/")[1], max(FLOORS.values()))
    for module in imports_of(ROOT / name):
        part = module.split(".")[1] if "." in module else ""
        assert FLOORS.get(part, 0) <= own, f"{name} must not import {module}, a floor above it"


def test_there_is_no_circle() -> None:
    """Modules in a circle are one module in several files."""
    graph = {name: imports_of(path) - {name} for name, path in zip(MODULES, PATHS, strict=True)}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    "module", ["driftsched.studio.page", "driftsched.studio.server", "driftsched.cli"]
)
def test_start_needs_no_torch(module: str) -> None:
    script = f"import sys, {module}; print({LAZY - {'httpx'}} & sys.modules.keys() or 'none')"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["none"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_resolves(module: str) -> None:
    found = importlib.import_module(module)
    public = getattr(found, "__all__", [])
    assert sorted(set(public)) == sorted(public), "a name is listed twice"
    for name in public:
        assert hasattr(found, name), f"{module}.__all__ names {name}, which is not there"


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert (importlib.import_module(module).__doc__ or "").strip()


@pytest.mark.parametrize("name", NAMES)
def test_files_and_functions_stay_short(name: str) -> None:
    """Past these lengths a module holds two concepts, a function two steps."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(tree(ROOT / name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            documented = ast.get_docstring(node, clean=False)
            lines -= documented.count("\n") + 1 if documented else 0
            assert lines <= MOST_LINES_A_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("pages/")])
def test_a_page_reads_like_a_table_of_contents(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").count("\n") <= 80
