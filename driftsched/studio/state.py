"""What a session looks at: one plain object, mirrored in the page's link."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import cast

import streamlit as st

from driftsched.errors import InputError
from driftsched.scenario import Scenario
from driftsched.studio import link
from driftsched.studio.presets import preset
from driftsched.studio.whatif import policy_names, with_load

__all__ = ["Key", "View", "get_scenario", "get_view", "set_scenario", "set_view", "share"]

LOADS = (0.1, 4.0)
_VIEW = "view"
_OURS = ("preset", "set", "scenario", "load", "policies")


class Key(StrEnum):
    """Every widget key of the frame and of Explore, Paper and Run."""

    PRESET = "preset"
    SEED = "seed"
    POLICY = "policy"
    LOAD = "load"
    POLICIES = "policies"
    ENGINE_MODE = "engine_mode"
    BATCH_SIZE = "batch_size"
    UNIT = "unit"
    LENGTHS = "lengths"
    COMPENSATOR = "compensator"
    CLASSIFIER = "classifier"
    RESET = "reset"
    SAVE = "save"
    IMAGE = "image"
    METRIC = "metric"
    PERCENTILES = "percentiles"
    SPLIT = "split"
    SCOPE = "scope"
    QUEUE_POLICY = "queue_policy"
    DRIFT_POLICY = "drift_policy"
    PAPER_UNIT = "paper_unit"
    PAPER_MODE = "paper_mode"
    PAPER_LENGTHS = "paper_lengths"
    PAPER_SEEDS = "paper_seeds"


@dataclass(frozen=True)
class View:
    """Preset, scenario and the what-if knobs that are not part of a scenario.

    Attributes
    ----------
    preset : str
        The preset the scenario came from.
    scenario : Scenario
        As edited, before `load`.
    load : float
        Requests arrive this many times as fast.
    policies : tuple of str
        Compared on Explore.
    problem : str
        Why the link that opened this session was refused; empty if it was not.
    """

    preset: str
    scenario: Scenario
    load: float = 1.0
    policies: tuple[str, ...] = field(default_factory=lambda: tuple(policy_names()))
    problem: str = ""

    @property
    def effective(self) -> Scenario:
        """The scenario with the load applied: what is run."""
        return with_load(self.scenario, self.load)


def get_view() -> View:
    """The session's view; on the first call it is read from the link."""
    if _VIEW not in st.session_state:
        st.session_state[_VIEW] = _from_link()
    return cast(View, st.session_state[_VIEW])


def set_view(view: View) -> None:
    """Replace the session's view; the link follows at the next `share`."""
    st.session_state[_VIEW] = replace(view, problem="")


def get_scenario() -> Scenario:
    """The session's scenario as edited, before the load factor."""
    return get_view().scenario


def set_scenario(scenario: Scenario, preset: str | None = None) -> None:
    """Replace the session's scenario; `preset` names where a new one came from."""
    view = get_view()
    set_view(replace(view, scenario=scenario, preset=preset or view.preset))


def share() -> bool:
    """Write the view into the page's link.

    Returns
    -------
    bool
        False where the scenario is too big for a link.
    """
    view = get_view()
    params = link.encode(view.scenario, view.preset)
    wanted: dict[str, str | list[str]] = dict(params or {})
    if params is not None:
        if view.load != 1:
            wanted["load"] = f"{view.load:g}"
        if view.policies != tuple(policy_names()):
            wanted["policies"] = ",".join(view.policies)
    current = {name: st.query_params.get_all(name) for name in _OURS if name in st.query_params}
    if current != {name: v if isinstance(v, list) else [v] for name, v in wanted.items()}:
        for name in current:
            if name not in wanted:
                del st.query_params[name]
        for name, value in wanted.items():
            st.query_params[name] = value
    return params is not None


def _from_link() -> View:
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    try:
        view = View(*link.decode(params), _load(params), _policies(params))
        _ = view.effective
        return view
    except InputError as error:
        return View(link.DEFAULT_PRESET, preset(link.DEFAULT_PRESET), problem=str(error))


def _load(params: dict[str, list[str]]) -> float:
    text = params.get("load", ["1"])[-1]
    low, high = LOADS
    try:
        load = float(text)
    except ValueError:
        load = float("nan")
    if not low <= load <= high:
        raise InputError(f"load must be a number from {low:g} to {high:g}, got {text[:40]!r}")
    return load


def _policies(params: dict[str, list[str]]) -> tuple[str, ...]:
    known = policy_names()
    names = [name for name in params.get("policies", [",".join(known)])[-1].split(",") if name]
    for name in names:
        if name not in known:
            raise InputError(f"policies must be among {', '.join(known)}, got {name[:40]!r}")
    if not names:
        raise InputError("policies must name at least one policy")
    return tuple(name for name in known if name in names)
