"""A studio server on a free port, and pages of it in a real Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.patience import LONG_S, STEP_S, tries

__all__ = ["ARGS", "ROOT", "VIEWPORT", "Opener", "Server", "find_chromium", "free_port"]

ROOT = Path(__file__).resolve().parents[2]
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VIEWPORT = {"width": 1400, "height": 1250}
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Path of a Chromium, or None: ``DRIFTSCHED_CHROMIUM``, else the usual names."""
    named = os.environ.get("DRIFTSCHED_CHROMIUM", "")
    found = (shutil.which(name) for name in (named, *NAMES) if name)
    return next((path for path in found if path), None)


class Server:
    """A Streamlit server in a process of its own; use it in a ``with`` block.

    Parameters
    ----------
    script : Path
        What ``streamlit run`` is given; its folder is the working folder.
    options : mapping
        Streamlit's options by name, over those every test server has.
    environment : mapping, optional
        Of the process; with ``DRIFTSCHED_HOME`` several servers share a home.
    """

    def __init__(
        self,
        script: Path,
        options: Mapping[str, str | int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.environment = dict(environment or {})
        self.folder = script.parent
        self.program = [sys.executable, "-m", "streamlit", "run", str(script)]
        self.options: dict[str, str | int] = {
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        self.options.update(options or {})
        base = str(self.options.get("server.baseUrlPath", ""))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}" + (f"/{base}" if base else "")

    @classmethod
    def studio(cls, **environment: str) -> Self:
        """Give the studio itself, with the options of .streamlit/config.toml."""
        return cls(ROOT / "app.py", environment=environment)

    @classmethod
    def installed(cls, program: Path, folder: Path) -> Self:
        """Give the studio that an installed `program` starts, with `folder` to work in."""
        server = cls(folder / "app.py")
        server.program = [str(program), "studio", f"--port={server.port}", "--"]
        return server

    def __enter__(self) -> Self:
        self.home = tempfile.mkdtemp(prefix="driftsched-server-")
        options = self.options | {"server.port": self.port}
        command = [*self.program, *(f"--{name}={value}" for name, value in options.items())]
        environment = os.environ | {"DRIFTSCHED_HOME": self.home} | self.environment
        environment.setdefault("DRIFTSCHED_ENDPOINTS", "loopback")  # addresses may be typed
        if self.program[0] == sys.executable:  # what is installed must do without
            environment["PYTHONPATH"] = str(ROOT)
        self.log = Path(self.home) / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=log, stderr=log
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=STEP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def _wait_until_up(self) -> None:
        for _ in tries():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended by itself:\n{self.log.read_text()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=STEP_S):
                    return
            except (urllib.error.URLError, OSError):
                try:
                    self.process.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
        raise RuntimeError(f"the server did not come up:\n{self.log.read_text()}")


class Opener:
    """Opens pages of one server, each in a browser context of its own.

    Attributes
    ----------
    problems : list of str
        What the pages wrote to the console as errors, and uncaught exceptions.
    """

    def __init__(self, browser: Any, url: str) -> None:
        self.browser = browser
        self.url = url
        self.problems: list[str] = []
        self._contexts: list[Any] = []

    def __call__(self, path: str = "", **context: Any) -> Any:
        """Open `path` of the server; `context` goes to Playwright's ``new_context``."""
        opened = self.browser.new_context(**{"viewport": VIEWPORT} | context)
        opened.set_default_timeout(LONG_S * 1000)
        self._contexts.append(opened)
        page = opened.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{self.url}{path}")
        return page

    def close(self) -> None:
        """Close every page that was opened."""
        for context in self._contexts:
            context.close()

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location.get('url', '')})")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
