"""What a session has set up for live runs: one plain object beside the scenario."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, cast

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.live import EngineSpec, LiveOptions, parse_options
from driftsched.live.openai_options import (
    ALLOWED,
    OpenAIOptions,
    any_endpoint,
    offered_endpoints,
)
from driftsched.scenario import Scenario, changed
from driftsched.studio.scenario_editor.draft import Form
from driftsched.studio.scenario_editor.schema import first_values
from driftsched.studio.state import change_view, get_view
from driftsched.studio.view import MAX_LIVE_LINK

_SETUP = "live_setup"
MOST_REQUESTS = 1_000_000


class LiveKey(StrEnum):
    """Every widget key of the live part of the Run page."""

    ENGINE = "live_engine"
    ENDPOINTS = "live_endpoints"
    WEIGHTS = "live_weights"
    SIZE = "live_size"
    DEVICE = "live_device"
    REQUESTS = "live_requests"
    TEST = "live_test"
    START = "live_start"
    STOP = "live_stop"
    WATCHED = "watch"
    TWIN = "live_twin"
    TWIN_METRIC = "live_twin_metric"
    TWIN_USE = "live_twin_use"


@dataclass
class LiveSetup:
    """Engine and pace as chosen, not yet checked.

    `kind` is the engine's name in the registry and `engine` its parameters; `server` and `pace`
    hold fields of `OpenAIOptions` and `LiveOptions` as typed; `requests` are sent at most. `tested`
    is the engine that was tested last, `tests` how often: a further test asks anew.
    """

    kind: str = "openai"
    engine: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=partial(first_values, OpenAIOptions))
    pace: dict[str, Any] = field(default_factory=partial(first_values, LiveOptions))
    requests: int = 60
    tested: EngineSpec | None = None
    tests: int = 0
    form: Form = field(default_factory=partial(Form, "live"))

    def options(self) -> LiveOptions:
        """Check and return the options; an ``InputError`` is one line: field, rule and value."""
        options = parse_options(self.pace | {"engine": self.engine | {"kind": self.kind}})
        offered = offered_endpoints()
        for address in getattr(options.engine, "endpoints", ()):
            if address not in offered and not any_address():
                raise InputError(
                    f"An address must be one of those that this server's {ALLOWED} names "
                    f"({', '.join(offered)}), got {address}"
                )
        return options


def any_address() -> bool:
    """Whether visitors may type addresses: the operator says so, and all are on this machine."""
    return any_endpoint() and st.get_option("server.address") in ("127.0.0.1", "localhost", "::1")


def get_setup() -> LiveSetup:
    """The session's set-up; on the first call what the page's link says of it."""
    if _SETUP not in st.session_state:
        st.session_state[_SETUP] = _from_link(get_view().live)
    return cast(LiveSetup, st.session_state[_SETUP])


def _from_link(text: str) -> LiveSetup:
    setup = LiveSetup()
    try:
        said = json.loads(text or "{}")
        options, requests = parse_options(said["options"]), int(said["requests"])
    except (InputError, KeyError, RecursionError, TypeError, ValueError):
        return setup
    data = options.model_dump(mode="json")
    setup.pace |= {name: data[name] for name in setup.pace if name != "engine"}
    if options.engine.kind == "openai":  # of the others the widgets keep what was chosen
        setup.server |= {name: data["engine"][name] for name in setup.server}
        setup.requests = min(max(requests, 1), MOST_REQUESTS)
    return setup


def remember(setup: LiveSetup, options: LiveOptions) -> None:
    """Write a valid set-up into the page's link, so that a reload brings it back."""
    data = options.model_dump(mode="json", exclude_defaults=True)
    data["engine"] = data.get("engine", {}) | {"kind": setup.kind}
    text = json.dumps({"options": data, "requests": setup.requests}, separators=(",", ":"))
    if text != get_view().live and len(text) <= MAX_LIVE_LINK:
        change_view(live=text)


def limited(scenario: Scenario, requests: int) -> Scenario:
    """Copy of `scenario` with about `requests` requests at most, phases shortened alike.

    A trace is cut after its first rows; a phase by time keeps its time.
    """
    if scenario.trace is not None:
        limit = min(requests, scenario.trace.limit or requests)
        return changed(scenario, trace__limit=limit)
    counts = [phase.requests for phase in scenario.phases if phase.requests is not None]
    if sum(counts) <= requests:
        return scenario
    share = requests / sum(counts)
    data = scenario.model_dump(by_alias=True)["phases"]
    for phase in data:
        if phase["requests"] is not None:
            phase["requests"] = max(1, round(phase["requests"] * share))
    return changed(scenario, phases=data)
