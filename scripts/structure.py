"""Write the list of modules in docs/structure.md anew: ``python scripts/structure.py``.

A module's line is the first line of its docstring. What stands above the list stays as it is.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "structure.md"
MARK = "<!-- modules: written by scripts/structure.py -->\n"


def main() -> int:
    """Replace everything below the mark."""
    above = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{above}{MARK}\n{_listed()}", encoding="utf-8")
    return 0


def _listed() -> str:
    lines: list[str] = []
    folder = None
    for path in sorted((ROOT / "driftsched").rglob("*.py"), key=_place):
        if path.parent != folder:
            folder = path.parent
            package = (folder / "__init__.py").read_text(encoding="utf-8")
            lines += ["", f"### `{folder.relative_to(ROOT)}/`", "", _first_line(package), ""]
        if path.name != "__init__.py":
            name = path.relative_to(ROOT)
            lines.append(f"- `{name}`: {_first_line(path.read_text(encoding='utf-8'))}")
    return "\n".join(lines).strip() + "\n"


def _place(path: Path) -> tuple[str, str]:
    return str(path.parent), "" if path.name == "__init__.py" else path.name


def _first_line(source: str) -> str:
    text = ast.get_docstring(ast.parse(source)) or ""
    return text.partition("\n")[0].replace("``", "`")


if __name__ == "__main__":
    sys.exit(main())
