"""Several servers behind one address, as docs/security.md says: a visitor stays on one of them."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftsched.results import RunLibrary
from tests.hostile.visitor import Visitor
from tests.support.browser import ROOT, Server, free_port
from tests.support.patience import STEP_S, await_true

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def proxy_config(ports: list[int], port: int, folder: Path) -> str:
    """The documents' own example, without certificate and users, on ports of this test."""
    text = (ROOT / "docs" / "security.md").read_text()
    found = re.search(r"```\n(map .*?)```", text, re.DOTALL)
    assert found
    kept = [
        line
        for line in found[1].splitlines()
        if not re.search(r"ssl_|auth_basic|Strict-Transport|server_name", line)
    ]
    site = "\n".join(kept).replace("443 ssl", f"127.0.0.1:{port}")
    for usual, ours in zip((8501, 8502), ports, strict=True):
        site = site.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{ours}")
    paths = "".join(
        f"{what}_temp_path {folder / what};"
        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; error_log {folder / 'error.log'}; pid {folder / 'pid'};\n"
        "events { worker_connections 512; }\n"
        f"http {{ {paths}\n"
        'log_format by "$upstream_addr $visitor $status $request_method $uri";\n'
        f"access_log {folder / 'access.log'} by;\n{site}\n}}\n"
    )


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Give the proxy's address, and its log."""
    if NGINX is None:
        pytest.skip("no nginx on this machine")
    home = {"DRIFTSCHED_HOME": str(tmp_path / "home")}
    with Server.studio(**home) as one, Server.studio(**home) as other:
        port = free_port()
        config = tmp_path / "nginx.conf"
        config.write_text(proxy_config([one.port, other.port], port, tmp_path))
        process = subprocess.Popen([NGINX, "-c", config, "-e", tmp_path / "error.log"])
        url = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=STEP_S):
                    return True
            except (urllib.error.URLError, OSError):
                return False

        try:
            await_true(up)
            yield url, tmp_path / "access.log"
        finally:
            process.terminate()
            process.wait()


async def visits(url: str) -> str:
    """Look at figures, take their numbers along, upload a file, keep a run; the cookie."""
    cookie = first_cookie(url)
    headers = {"Cookie": cookie}
    async with Visitor(url, headers=headers) as visitor:
        await visitor.open()
        await visitor.move("Load", 1.3)
        assert (await visitor.download("CSV")).count(b"\n") > 2
        assert await visitor.upload("table.csv", b"a,b\n1,2\n") == 204
    async with Visitor(url, "run", "set=phases.1.requests=50", headers, needs="Save") as visitor:
        await visitor.open()
        await visitor.move("Save", True)
        assert not visitor.problems
    return cookie


def first_cookie(url: str) -> str:
    """What a browser that comes for the first time is given, and keeps."""
    with urllib.request.urlopen(f"{url}/", timeout=STEP_S) as answer:
        given = str(answer.headers["Set-Cookie"]).partition(";")[0]
    request = urllib.request.Request(f"{url}/", headers={"Cookie": given})
    with urllib.request.urlopen(request, timeout=STEP_S) as answer:
        assert answer.headers["Set-Cookie"] is None
    return given


def test_a_visitor_stays_on_one_server_and_visitors_are_spread(
    proxied: tuple[str, Path], tmp_path: Path
) -> None:
    """On another server a session, its uploads and its downloads would not be known."""
    url, log = proxied
    cookies = [asyncio.run(visits(url)) for _ in range(3)]
    assert len(set(cookies)) == 3
    assert len(RunLibrary(tmp_path / "home").list()) == 3
    for _ in range(20):
        first_cookie(url)
    seen: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        server, visitor, status, *_ = line.split()
        assert int(status) < 400, line
        seen.setdefault(visitor, set()).add(server)
    assert {len(servers) for servers in seen.values()} == {1}
    assert len(set.union(*seen.values())) == 2
