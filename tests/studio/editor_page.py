"""The Scenario page's widgets, by the fields they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from streamlit.testing.v1 import AppTest

from driftsched.scenario import Scenario
from driftsched.studio.scenario_editor.sections import GROUPS, SECTIONS
from driftsched.studio.state import Key
from tests.support.patience import STEP_S

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "scenario.py")


def opened(preset: str = "paper") -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=STEP_S)
    app.query_params["preset"] = preset
    app.run()
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def scenario(app: AppTest) -> Scenario:
    return cast(Scenario, app.session_state["view"].scenario)


def key(app: AppTest, name: str) -> str:
    """Key of a widget, whose group is shown."""
    root = name.replace("-", ".").split(".")[0]
    root = {"source": "phases", "clients": "tenants"}.get(root, root)
    section = next((s for s, (_, fields, _) in SECTIONS.items() if root in fields), "Basics")
    show(app, next(group for group, sections in GROUPS.items() if section in sections))
    return f"scenario-{app.session_state['scenario_draft'].generation}-{name}"


def at(app: AppTest, kind: str, name: str) -> Any:
    """The widget of that kind and key."""
    whole = key(app, name)
    return getattr(app, kind)(key=whole)


def show(app: AppTest, group: str) -> None:
    if app.session_state[Key.GROUP] != group:
        app.session_state[Key.GROUP] = group
        app.run()
        assert not app.exception


def widget(app: AppTest, kind: str, path: str) -> Any:
    """The widget whose key ends in its options."""
    start = key(app, path) + "."
    return next(each for each in getattr(app, kind) if str(each.key).startswith(start))
