"""What the browser is given besides Streamlit's own front end."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from driftsched.studio.front_end import Script
from driftsched.studio.front_end.page import FrontPage
from driftsched.studio.front_end.script import PLOTLY_JS, SCRIPTS
from driftsched.studio.front_end.served import ServedScripts

OTHER = "from the app behind"


@pytest.fixture
def studio() -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse(OTHER))])
    return TestClient(ServedScripts(app))


def test_a_changed_script_has_another_name(tmp_path: Path) -> None:
    """Else browsers would keep the old one for a year."""
    own = tmp_path / "chart.js"
    own.write_text("export default () => 1;")
    first = Script(own)
    own.write_text("export default () => 2;")
    second = Script(own)
    assert first.name != second.name
    assert first.name in first.lines
    assert second.name in second.lines


def test_a_script_names_the_plotly_js_that_is_installed(tmp_path: Path) -> None:
    own = tmp_path / "chart.js"
    own.write_text("export default loadPlotly;")
    text = SCRIPTS[Script(own).name]().decode()
    assert f'"{PLOTLY_JS}"' in text
    assert text.endswith(own.read_text())


def test_our_scripts_are_served_packed_or_not_and_kept(studio: TestClient, tmp_path: Path) -> None:
    own = tmp_path / "chart.js"
    own.write_text("export default 1;" * 100)
    name = Script(own).name
    for path in (f"/driftsched/{name}", f"/lab/studio/driftsched/{name}"):
        with studio.stream("GET", path) as packed:
            raw = b"".join(packed.iter_raw())
        assert gzip.decompress(raw) == SCRIPTS[name]()
        plain = studio.get(path, headers={"accept-encoding": "identity"})
        assert plain.content == SCRIPTS[name]()
        for answer in (packed, plain):
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["vary"] == "accept-encoding"
            assert answer.headers["content-type"].startswith("text/javascript")


def test_all_else_is_left_to_the_app(studio: TestClient) -> None:
    for path in ("/", "/driftsched/none-1.js", f"/{PLOTLY_JS}", "/driftsched/..%2Fapp.py"):
        assert studio.get(path).text == OTHER
    assert studio.post(f"/driftsched/{PLOTLY_JS}").status_code == 405


def test_the_page_is_told_where_the_app_lives_and_what_to_fetch() -> None:
    page = "<html><head><title>x</title></head><body></body></html>"
    app = Starlette(routes=[Route("/{path:path}", lambda _: HTMLResponse(page))])
    studio = TestClient(FrontPage(app, pages=["run"], early=["plotly-1.js"]))
    answer = studio.get("/run", headers={"accept": "text/html"})
    script = answer.text[len("<html><head>") : answer.text.index("<title>")]
    assert answer.text.replace(script, "") == page
    assert script.startswith("<script>") and script.endswith("</script>")
    assert "BACKEND_BASE_URL" in script and '["plotly-1.js"]' in script
    assert int(answer.headers["content-length"]) == len(answer.content)
