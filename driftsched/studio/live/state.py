"""What a session has set up for live runs: one plain object beside the scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

import streamlit as st

from driftsched.live import EngineSpec, LiveOptions, parse_options
from driftsched.scenario import Scenario, changed

__all__ = ["LiveKey", "LiveSetup", "get_setup", "limited"]

_SETUP = "live_setup"


class LiveKey(StrEnum):
    """Every widget key of the live part of the Run page."""

    ENGINE = "live_engine"
    ENDPOINTS = "live_endpoints"
    MODEL = "live_model"
    API = "live_api"
    PRIORITY = "live_priority"
    QUEUE = "live_queue"
    WEIGHTS = "live_weights"
    SIZE = "live_size"
    DEVICE = "live_device"
    REQUESTS = "live_requests"
    SCALE = "live_scale"
    SLOTS = "live_slots"
    TIMEOUT = "live_timeout"
    TEMPERATURE = "live_temperature"
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

    Attributes
    ----------
    kind : str
        Name of the engine in the registry.
    engine : dict
        Its parameters.
    pace : dict
        time_scale, slots, timeout_s, temperature, engine_queue.
    requests : int
        At most so many are sent.
    tested : EngineSpec or None
        The engine that was tested last.
    tests : int
        How often; a further test asks the engine anew.
    """

    kind: str = "openai"
    engine: dict[str, Any] = field(default_factory=dict)
    pace: dict[str, Any] = field(default_factory=dict)
    requests: int = 60
    tested: EngineSpec | None = None
    tests: int = 0

    def options(self) -> LiveOptions:
        """Check and return the options.

        Raises
        ------
        InputError
            One line: the field, the rule and the value.
        """
        engine = {"kind": self.kind} | self.engine
        return parse_options({"engine": engine} | self.pace)


def get_setup() -> LiveSetup:
    """The session's set-up."""
    return cast(LiveSetup, st.session_state.setdefault(_SETUP, LiveSetup()))


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
