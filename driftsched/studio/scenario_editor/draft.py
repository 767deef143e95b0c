"""What is typed, valid or not, beside the last valid scenario that stays in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import streamlit as st

from driftsched.scenario import Scenario
from driftsched.studio.state import get_scenario

__all__ = ["GANG_FIELDS", "Data", "Draft", "open_draft", "plain_data"]

Data = dict[str, Any]
T = TypeVar("T")
_DRAFT = "scenario_draft"
GANG_FIELDS = ("mode", "batch_size", "batch_wait_s")


@dataclass
class Draft:
    """The page's working copy, kept in the session.

    Attributes
    ----------
    data : dict
        All fields as plain data, as typed last; phases and trace may both be there.
    base : Scenario
        The valid scenario the data came from or became last.
    generation : int
        Part of every widget key: a new one gives all widgets anew from `data`.
    source : str
        "phases" or "trace": which of the two is meant.
    frames, after : dict
        What widgets start from besides `data`, in this generation and in the next.
    yaml_seed, yaml_text : str
        Text offered last on the YAML tab, and as typed there.
    yaml_generation : int
        The same for the YAML text's key.
    uploads : dict
        Stored path → original name of the files uploaded in this session.
    operations : list of callable
        Changes of structure asked for in this run; made at its end, so that a button loses
        nothing that other widgets hold.
    names : dict
        What fields may name in this run: tenants, categories, phases, gpus, models.
    """

    data: Data
    base: Scenario
    generation: int = 0
    source: str = "phases"
    yaml_seed: str = ""
    yaml_text: str = ""
    yaml_generation: int = 0
    frames: Data = field(default_factory=dict)
    after: Data = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    operations: list[Callable[[], None]] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Widget key of `name`."""
        return f"scenario-{self.generation}-{name}"

    def first(self, key: str, value: T) -> T:
        """The value a widget starts from, the same as long as it lives.

        It is renewed once Streamlit has forgotten the widget, because another page was looked at.
        """
        if key not in st.session_state or key not in self.frames:
            self.frames[key] = value
        return cast(T, self.frames[key])

    def reseed(self, data: Data) -> None:
        """Take `data` into all widgets; ends the script run."""
        self.data = data
        self.generation += 1
        self.frames = self.after
        self.after = {}
        st.rerun()

    def take(self, scenario: Scenario) -> None:
        """Start again from a valid scenario."""
        self.data, self.base = plain_data(scenario), scenario
        self.source = "phases" if scenario.trace is None else "trace"
        self.generation += 1
        self.frames.clear()

    def wanted(self) -> Data:
        """The data to validate: without what has no meaning beside the rest, though it was typed.

        That is the one of phases and trace that is not meant, continuous batching's settings in
        gang mode, and the number of replicas where pools count their own.
        """
        dropped: Data = {"trace": None} if self.source == "phases" else {"phases": []}
        data = self.data | dropped
        engine, cluster = data["engine"], data["cluster"]
        if engine.get("mode") == "gang":
            data["engine"] = {name: v for name, v in engine.items() if name in GANG_FIELDS}
        if cluster.get("pools"):
            data["cluster"] = {name: v for name, v in cluster.items() if name != "replicas"}
        return data


def open_draft() -> Draft:
    """The session's draft; taken anew where the scenario was changed elsewhere."""
    scenario = get_scenario()
    draft = st.session_state.get(_DRAFT)
    if not isinstance(draft, Draft):
        draft = st.session_state[_DRAFT] = Draft({}, scenario)
        draft.take(scenario)
    elif draft.base != scenario:
        draft.take(scenario)
    return draft


def plain_data(scenario: Scenario) -> Data:
    """All fields of a scenario as JSON-like data."""
    data: Data = json.loads(scenario.model_dump_json(by_alias=True))
    return data
