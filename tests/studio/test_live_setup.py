"""The set-up of live runs: what the form allows, how a scenario is shortened, the command line."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from driftsched.cli.live import live_options
from driftsched.cli.main import COMMANDS
from driftsched.core.errors import InputError
from driftsched.live import LiveOptions
from driftsched.scenario import load_scenario
from driftsched.studio.live.follow import live_command
from driftsched.studio.live.setup import ALLOWED_MODELS, RANDOM, offered_models
from driftsched.studio.live.state import LiveKey, LiveSetup, limited
from tests.support.markdown import read
from tests.support.patience import STEP_S, tries

PAGE = Path(__file__).resolve().parents[2] / "pages" / "run.py"


def test_phases_are_shortened_alike() -> None:
    """A live minute instead of a live hour, with the scenario's own shape."""
    paper = load_scenario("paper")
    short = limited(paper, 60)
    assert [phase.requests for phase in short.phases] == [20, 40]
    assert short.phases[1].mix == paper.phases[1].mix
    assert limited(paper, 3000) == paper
    assert [phase.requests for phase in limited(paper, 1).phases] == [1, 1]


def test_a_rule_that_is_broken_is_said_in_one_line() -> None:
    setup = LiveSetup("openai", {"endpoints": ("ftp://x",)})
    with pytest.raises(InputError, match="endpoints") as error:
        setup.options()
    assert "\n" not in str(error.value)


def test_only_what_the_owner_offers_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor who names a path would make the server read its own files."""
    monkeypatch.delenv(ALLOWED_MODELS, raising=False)
    assert offered_models() == []
    page = live_page()
    assert page.selectbox(key=LiveKey.WEIGHTS).options == [RANDOM]
    monkeypatch.setenv(ALLOWED_MODELS, "some/model, /models/other.gguf")
    page = live_page()
    assert page.selectbox(key=LiveKey.WEIGHTS).options == [
        RANDOM,
        "some/model",
        "/models/other.gguf",
    ]


def live_page() -> AppTest:
    """The Run page's live half with the in-process model chosen."""
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params["world"] = "Live"
    app.run()
    app.segmented_control(key=LiveKey.ENGINE).set_value("torch").run()
    assert not app.exception
    return app


def test_a_reload_brings_the_form_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a long run reloads the page, and had to fill the form again."""
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "gpu1:8000, gpu2:8000")
    first = AppTest.from_file(PAGE, default_timeout=STEP_S)
    first.query_params["world"] = "Live"
    first.run()
    first.number_input(key=LiveKey.REQUESTS).set_value(240).run()
    first.multiselect(key=LiveKey.ENDPOINTS).set_value(["http://gpu2:8000/v1"]).run()
    again = AppTest.from_file(PAGE, default_timeout=STEP_S)
    again.query_params.update(first.query_params)
    again.run()
    assert not again.exception
    assert again.number_input(key=LiveKey.REQUESTS).value == 240
    assert again.multiselect(key=LiveKey.ENDPOINTS).value == ["http://gpu2:8000/v1"]
    again.query_params["live"] = '{"options":{"slots":[1]},"requests":"x"}'
    del again.session_state["view"]
    assert not again.run().exception


def test_visitors_choose_among_the_endpoints_that_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A field for any address told a visitor which ports of the server's machine are open."""
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "gpu1:8000, https://gpu2/v1 GPU2_KEY")
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params["world"] = "Live"
    app.run()
    chosen = app.multiselect(key=LiveKey.ENDPOINTS)
    assert chosen.options == ["http://gpu1:8000/v1", "https://gpu2/v1"]
    assert chosen.value == ["http://gpu1:8000/v1"]
    assert not [field for field in app.text_input if "endpoints" in str(field.key)]
    other = LiveSetup("openai", {"endpoints": ("http://127.0.0.1:22/v1",)})
    with pytest.raises(InputError, match="must be one of those that this server's DRIFTSCHED_END"):
        other.options()


def test_addresses_are_typed_only_on_a_server_for_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who opens the studio to others would open the network behind it too."""
    typed = LiveSetup("openai", {"endpoints": ("http://127.0.0.1:8001/v1",)})
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "loopback")
    before = config.get_option("server.address")
    try:
        config.set_option("server.address", "127.0.0.1")
        assert typed.options().engine.kind == "openai"
        config.set_option("server.address", "192.0.2.1")
        with pytest.raises(InputError, match="must be one of those"):
            typed.options()
    finally:
        config.set_option("server.address", before)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        # a shared studio must not become a way into its network
        ("http://10.1.2.3:8000/v1", "An address must be allowed by this server's DRIFTSCHED_"),
        ("http://127.0.0.1:1/v1", "The server at 127.0.0.1:1 refused the connection"),
        ("ftp://127.0.0.1", "An address must be http(s)://host[:port][/path] without user"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_once_and_plainly(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("DRIFTSCHED_ENDPOINTS", "loopback")
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params["world"] = "Live"
    app.run()
    app.text_input(key="live-openai.endpoints").set_value(address).run()
    if not app.error:
        app.button(key=LiveKey.TEST).click().run()
    for _ in tries(STEP_S):
        if app.error:
            break
        app.run()
    (box,) = app.error
    assert read(box.value).startswith(said)


OPTIONS: list[dict[str, Any]] = [
    {"engine": {"kind": "openai", "endpoints": ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]}},
    {"engine": {"kind": "torch", "device": "cpu", "random": {"layers": 2}}, "slots": 3},
    {"engine": {"kind": "torch", "model": "a b.gguf"}, "time_scale": 2.5, "timeout_s": 7},
    {"engine": {"kind": "openai", "priority": "lower_first"}, "engine_queue": True},
]


@pytest.mark.parametrize("data", OPTIONS)
def test_the_command_line_gives_the_same_options(data: dict[str, Any]) -> None:
    """Who copies it must get the run that was shown."""
    options = LiveOptions.model_validate(data)
    words = shlex.split(live_command(options.model_dump(mode="json")))
    assert words[:3] == ["python", "-m", "driftsched"]
    parser = argparse.ArgumentParser()
    COMMANDS["live"].load()(parser)
    args = parser.parse_args(words[4:])
    assert live_options(args) == options
