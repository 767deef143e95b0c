"""What the browser is given besides Streamlit's own front end."""

from __future__ import annotations

import gzip
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from driftsched.studio.front_end import Script
from driftsched.studio.front_end.files import ensure, plotly_js_name
from driftsched.studio.front_end.packed import PackedScripts
from driftsched.studio.front_end.page import FrontPage

OTHER = "from the app behind"


def client(folder: Path) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse(OTHER))])
    return TestClient(PackedScripts(app, folder))


def test_a_changed_script_has_another_name(tmp_path: Path) -> None:
    """Else browsers would keep the old one for a year."""
    own = tmp_path / "chart.js"
    own.write_text("export default () => 1;")
    first = Script(own)
    own.write_text("export default () => 2;")
    second = Script(own)
    assert first.name.startswith("driftsched-chart-")
    assert first.name != second.name
    assert first.name in first.lines
    assert second.name in second.lines


def test_a_script_names_the_plotly_js_that_is_installed(tmp_path: Path) -> None:
    own = tmp_path / "chart.js"
    own.write_text("export default loadPlotly;")
    assert f'"{plotly_js_name()}"' in Script(own)._text


def test_only_a_missing_file_is_written(tmp_path: Path) -> None:
    assert ensure("a.js", lambda: b"one", tmp_path).read_bytes() == b"one"
    assert ensure("a.js", lambda: b"two", tmp_path).read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a.js"]


def test_our_scripts_travel_packed_and_are_kept(tmp_path: Path) -> None:
    text = "export default 1;" * 100
    (tmp_path / "driftsched-a-1.js").write_text(text)
    with client(tmp_path).stream("GET", "/base/app/static/driftsched-a-1.js") as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())).decode() == text
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_all_else_is_left_to_the_app(tmp_path: Path) -> None:
    (tmp_path / "other.js").write_text("1")
    (tmp_path / "driftsched-a-1.js").write_text("1")
    (tmp_path.parent / "driftsched-outside.js").write_text("secret")
    studio = client(tmp_path)
    for path in (
        "/app/static/other.js",
        "/app/static/driftsched-none-1.js",
        "/app/static/..%2Fdriftsched-outside.js",
        "/app/static/driftsched-..%2F..%2Fdriftsched-outside.js",
        "/driftsched-a-1.js",
    ):
        assert studio.get(path).text == OTHER
    plain = studio.get("/app/static/driftsched-a-1.js", headers={"accept-encoding": "identity"})
    assert plain.text == OTHER


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
