"""API pages from the docstrings, a page a package: ``python scripts/api_pages.py [FOLDER]``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pdoc

ROOT = Path(__file__).resolve().parents[1]
FACES = {"cli", "studio"}
"""Packages for people who look and type; who writes Python has the other ones."""


def public_packages() -> list[str]:
    """Names of the packages whose ``__all__`` is the library."""
    folders = sorted(path.parent.name for path in (ROOT / "driftsched").glob("*/__init__.py"))
    return [f"driftsched.{name}" for name in folders if name not in FACES]


def main() -> None:
    """Write the pages to a folder, ``build/api`` by default."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "api"
    sys.path.insert(0, str(ROOT))
    # names that are imported for the type checker alone are shown as they are written
    warnings.filterwarnings("ignore", message="Error parsing type annotation")
    pdoc.render.configure(docformat="numpy", show_source=False)
    pdoc.pdoc(*public_packages(), output_directory=out)
    print(f"written: {out / 'index.html'}")


if __name__ == "__main__":
    main()
