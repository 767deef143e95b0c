"""What the browser is given besides Streamlit's own front end."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from driftsched.studio.front_end.middleware import FrontEnd
from driftsched.studio.front_end.script import HERE, OURS_JS, PARTS, PLOTLY_JS, name_of, script

OTHER = "from the app behind"


@pytest.fixture
def studio() -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse(OTHER))])
    return TestClient(FrontEnd(app, pages=["run"]))


def test_a_changed_script_has_another_name() -> None:
    """Else browsers would keep the old one for a year."""
    assert name_of(b"export default 1") != name_of(b"export default 2")
    assert name_of(script(OURS_JS)) == OURS_JS


def test_our_script_names_the_plotly_js_that_is_installed() -> None:
    text = script(OURS_JS).decode()
    assert f'"{PLOTLY_JS}"' in text
    assert text.endswith((HERE / PARTS[-1]).read_text("utf-8"))


@pytest.mark.parametrize("name", [OURS_JS, PLOTLY_JS])
def test_our_scripts_are_served_packed_or_not_and_kept(studio: TestClient, name: str) -> None:
    for path in (f"/driftsched/{name}", f"/lab/studio/driftsched/{name}"):
        with studio.stream("GET", path, headers={"accept-encoding": "gzip, br"}) as packed:
            raw = b"".join(packed.iter_raw())
        assert gzip.decompress(raw) == script(name)
        plain = studio.get(path, headers={"accept-encoding": "identity"})
        assert plain.content == script(name)
        for answer in (packed, plain):
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["vary"] == "accept-encoding"
            assert answer.headers["content-type"].startswith("text/javascript")


def test_all_else_is_left_to_the_app(studio: TestClient) -> None:
    for path in ("/", "/driftsched/none-1.js", f"/{PLOTLY_JS}", "/driftsched/..%2Fapp.py"):
        assert studio.get(path).text == OTHER
        assert studio.get(path, headers={"accept": "text/html"}).text == OTHER
    assert studio.post(f"/driftsched/{PLOTLY_JS}").status_code == 405


def test_the_page_is_told_where_the_app_lives_and_what_to_fetch() -> None:
    page = "<html><head><title>x</title></head><body></body></html>"
    app = Starlette(routes=[Route("/{path:path}", lambda _: HTMLResponse(page))])
    studio = TestClient(FrontEnd(app, pages=["run"]))
    answer = studio.get("/run", headers={"accept": "text/html"})
    script = answer.text[len("<html><head>") : answer.text.index("<title>")]
    assert answer.text.replace(script, "") == page
    assert script.startswith("<style>") and script.endswith("</script>")
    assert "BACKEND_BASE_URL" in script and f"/driftsched/{PLOTLY_JS}" in script
    assert int(answer.headers["content-length"]) == len(answer.content)
