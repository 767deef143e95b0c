"""What all tests share: a home of their own, one thread each, generated examples, a browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.support.browser import ARGS, Opener, Server, find_chromium

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci", max_examples=50, deadline=None, derandomize=True, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "dev", max_examples=10, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
# Else examples hold constants of whatever modules the process has imported by then, and a test that
# passes alone meets others in the whole suite, or after a change elsewhere.
providers._get_local_constants = lambda: providers._local_constants

_HOME = tempfile.TemporaryDirectory(prefix="driftsched-tests-", ignore_cleanup_errors=True)


def pytest_configure() -> None:
    """Keep every test, doctest and worker process away from the user's own runs and to a core."""
    os.environ["DRIFTSCHED_HOME"] = _HOME.name
    # numpy, numba and torch are not imported yet; each of them counts threads once
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{name}_NUM_THREADS", "1")


def pytest_unconfigure() -> None:
    _HOME.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of a Chromium, or skip what needs one."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine; DRIFTSCHED_CHROMIUM may name one")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Give a Chromium, driven by Playwright; one a module.

    Playwright keeps an event loop running in this thread as long as it is open; tests of live runs,
    which start loops of their own, may follow in the same process.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=ARGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(chromium: str) -> Iterator[Server]:
    """Give a studio, on a free port and with a home of its own; one for all that need no other."""
    with Server.studio() as started:
        yield started


@pytest.fixture
def open_page(browser: Any, server: Server) -> Iterator[Opener]:
    """Give ``open_page("/run", …)``; at the end, complain of errors in the browser's console."""
    opener = Opener(browser, server.url)
    yield opener
    opener.close()
    assert opener.problems == []
