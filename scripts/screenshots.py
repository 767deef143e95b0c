"""Take a picture of every page, for README.md: ``python scripts/screenshots.py``.

It starts a server of its own, opens each page in Chromium as a visitor does, waits until nothing
moves any more, and writes ``docs/images/<page>.png``; ``--all`` adds dark and narrow ones to a
folder for looking at.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from driftsched.results import RunLibrary  # noqa: E402  after the path
from driftsched.scenario import load_scenario  # noqa: E402  the same
from driftsched.simulation import simulate  # noqa: E402  the same
from tests.support.browser import ARGS, Opener, Server, find_chromium  # noqa: E402  the same
from tests.support.pages import page_names, settled  # noqa: E402  the same

IMAGES = ROOT / "docs" / "images"
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 390, "height": 844}
ASKED = {"compare": "compare?preset=busy-gpu&runs=@fifo,@sjf,@weighted&level=P99"}
"""Where a page's bare address shows nothing yet."""


def main() -> int:
    """Take the pictures; 1 where a page reports an error."""
    parser = argparse.ArgumentParser(description="Take a picture of every page.")
    parser.add_argument("pages", nargs="*", help="page names; all by default")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder, docs/images by default")
    parser.add_argument("--all", action="store_true", help="dark, narrow and full length besides")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver, Server.studio() as server:
        chromium = driver.chromium.launch(executable_path=find_chromium(), args=ARGS)
        opener = Opener(chromium, server.url)
        _keep(RunLibrary(Path(server.home)))
        for name in options.pages or page_names():
            _take(opener, name, options.out, every=options.all)
        opener.close()
        chromium.close()
    for problem in opener.problems:
        print(problem, file=sys.stderr)
    return 1 if opener.problems else 0


def _keep(library: RunLibrary) -> None:
    """Save runs, for the page that shows them."""
    for policy in ("fifo", "sjf", "weighted", "hrrn"):
        scenario = load_scenario("noisy-neighbour", [f"policy.kind={policy}"])
        library.tag(library.save(simulate(scenario)), "noisy")


def _take(opener: Opener, name: str, out: Path, *, every: bool) -> None:
    first = name == page_names()[0]  # it lives at the root, where the navigation marks it
    _shoot(
        opener("/" if first else f"/{ASKED.get(name, name)}", viewport=WIDE), out / f"{name}.png"
    )
    if not every:
        return
    for scheme in ("light", "dark"):
        page = opener(f"/{ASKED.get(name, name)}", viewport=WIDE, color_scheme=scheme)
        _shoot(page, out / f"{name}-{scheme}-long.png", whole=True)
    page = opener(f"/{ASKED.get(name, name)}", viewport=NARROW)
    _shoot(page, out / f"{name}-narrow.png", whole=True)


def _shoot(page: Any, path: Path, *, whole: bool = False) -> None:
    settled(page)
    if whole:
        # Streamlit scrolls an inner box, so the window is made as long as that box's content
        length = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": length})
        settled(page)
    page.screenshot(path=path)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
