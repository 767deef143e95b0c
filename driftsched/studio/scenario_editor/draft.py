"""What is typed, valid or not, beside the last valid scenario that stays in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.scenario import Scenario
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.studio.scenario_editor.names import REFERENCES, names_of
from driftsched.studio.state import get_scenario

Data = dict[str, Any]
_DRAFT = "scenario_draft"
GANG_FIELDS = ("mode", "batch_size", "batch_wait_s")


@dataclass
class Form:
    """What the widgets made from a model share; kept in the session.

    Their keys begin with `prefix`: a new one gives all widgets anew from `data`, all fields as
    typed last. `references` says of a field what it names; `chosen` by path which item of a list is
    edited. `frames` hold what each table starts from: a new frame would throw away what is being
    typed. `operations` are changes of structure, made at the run's end, so that a button loses
    nothing that other widgets hold.
    """

    prefix: str
    data: Data = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    chosen: dict[str, int] = field(default_factory=dict)
    operations: list[Callable[[], None]] = field(default_factory=list)

    def key(self, name: str) -> str:
        """Widget key of `name`."""
        return f"{self.prefix}-{name}"

    def frame(self, key: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """What a table starts from; made anew once Streamlit has forgotten the table."""
        if key not in st.session_state or key not in self.frames:
            self.frames[key] = make()
        return self.frames[key]

    def names(self, name: str) -> list[str] | None:
        """Names that a field of this name may hold; None where it is no such field."""
        what = self.references.get(name)
        if what is None:
            return None
        catalogue: Iterable[str] = {"gpu": list(GPUS), "model": list(MODELS)}.get(name, [])
        holder = self.data["cluster"] if what.startswith("own_") else self.data
        return [*catalogue, *names_of(holder.get(what))]


@dataclass
class Draft(Form):
    """The Scenario page's working copy.

    `base` is the valid scenario that the data came from or became last; `generation` counts how
    often all widgets were given anew; `group` is the part that is drawn; `source`, phases or trace,
    is which of the two is meant: the data may hold both; `unread` says that the trace has not been
    read, or cannot be. `uploads` are the session's files, stored path → original name;
    `yaml_offered` and `yaml_typed` the text of the YAML tab.
    """

    base: Scenario = field(kw_only=True)
    generation: int = 0
    group: str = ""
    source: str = "phases"
    unread: bool = False
    uploads: dict[str, str] = field(default_factory=dict)
    yaml_offered: str = ""
    yaml_typed: str = ""

    def take(self, data: Data | Scenario) -> None:
        """Give all widgets anew, from changed data or from a valid scenario."""
        self.unread = False
        if isinstance(data, Scenario):
            self.base, self.data = data, json.loads(data.model_dump_json(by_alias=True))
            self.source = "phases" if data.trace is None else "trace"
            self.chosen.clear()
        else:
            self.data = data
        self.generation += 1
        self.prefix = f"scenario-{self.generation}"
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
        draft = st.session_state[_DRAFT] = Draft("scenario", references=REFERENCES, base=scenario)
        draft.take(scenario)
    elif draft.base != scenario:
        draft.take(scenario)
    draft.operations.clear()
    return draft
