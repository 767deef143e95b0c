"""What a session looks at: one plain object, mirrored in the page's link."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import cast

import streamlit as st

from driftsched.errors import InputError
from driftsched.scenario import Scenario, with_burstiness, with_length_step
from driftsched.scheduling.policies import PolicySpec
from driftsched.studio import link, tuning
from driftsched.studio.presets import preset
from driftsched.studio.whatif import policy_names, with_load

__all__ = ["Key", "View", "get_scenario", "get_view", "set_scenario", "set_view", "share"]

LOADS = (0.1, 4.0)
BURSTS = (0.1, 8.0)
STEPS = (0.25, 4.0)
REPLICATIONS = (2, 40)
USUAL_REPLICATIONS = 10
_VIEW = "view"
_KNOBS = ("load", "cv", "drift", "replications", "cut", "tune", "policies")
_OURS = ("preset", "set", "scenario", *_KNOBS)


class Key(StrEnum):
    """Every widget key of the frame and of Explore, Paper and Run."""

    PRESET = "preset"
    SEED = "seed"
    POLICY = "policy"
    LOAD = "load"
    BURSTS = "bursts"
    STEP = "step"
    REPLICATIONS = "replications"
    REPLICAS = "replicas"
    CUT = "cut"
    MORE = "more"
    SWEEP_LEVEL = "sweep_level"
    SERVICE_LEVEL = "service_level"
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
    bursts : float or None
        Coefficient of variation of the gaps between arrivals; None leaves them as they are.
    step : float
        Answers get this many times as long in the middle of the traffic.
    replications : int
        Seeds that Explore runs each policy with.
    cut : bool
        Whether Explore leaves out the warm-up.
    tuned : tuple of PolicySpec
        Parameters of policies other than the scenario's own, where they are not the defaults.
    policies : tuple of str
        Compared on Explore.
    problem : str
        Why the link that opened this session was refused; empty if it was not.
    """

    preset: str
    scenario: Scenario
    load: float = 1.0
    bursts: float | None = None
    step: float = 1.0
    replications: int = USUAL_REPLICATIONS
    cut: bool = False
    tuned: tuple[PolicySpec, ...] = ()
    policies: tuple[str, ...] = field(default_factory=lambda: tuple(policy_names()))
    problem: str = ""

    @property
    def effective(self) -> Scenario:
        """The scenario with load, bursts and drift applied: what is run."""
        scenario = with_load(self.scenario, self.load)
        if self.bursts is not None:
            scenario = with_burstiness(scenario, self.bursts)
        return with_length_step(scenario, self.step)

    @property
    def edited(self) -> bool:
        """Whether what is run is no longer the preset."""
        changes = self.load != 1 or self.bursts is not None or self.step != 1 or self.tuned
        return bool(changes) or self.scenario != preset(self.preset)

    def with_preset(self, name: str) -> View:
        """Give a fresh preset, and the same choice of policies, replications and cut."""
        fresh = View(name, preset(name), policies=self.policies)
        return replace(fresh, replications=self.replications, cut=self.cut)


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
        wanted |= _knobs(view)
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


def _knobs(view: View) -> dict[str, str | list[str]]:
    """Query parameters of the knobs that are not as they are at first."""
    fresh = View(view.preset, view.scenario)
    wanted: dict[str, str | list[str]] = {}
    for name, value, usual in (
        ("load", view.load, fresh.load),
        ("cv", view.bursts, fresh.bursts),
        ("drift", view.step, fresh.step),
        ("replications", view.replications, fresh.replications),
    ):
        if value is not None and value != usual:
            wanted[name] = f"{value:.6g}"
    if view.cut:
        wanted["cut"] = "yes"
    if view.tuned:
        wanted["tune"] = tuning.encode(view.tuned)
    return wanted


def _from_link() -> View:
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    try:
        view = View(
            *link.decode(params),
            load=_number(params, "load", LOADS, 1.0),
            bursts=_number(params, "cv", BURSTS, 0.0) or None,
            step=_number(params, "drift", STEPS, 1.0),
            replications=_replications(params),
            cut=_cut(params),
            tuned=tuning.decode(params.get("tune", [])),
            policies=_policies(params),
        )
        _ = view.effective
        return view
    except InputError as error:
        return View(link.DEFAULT_PRESET, preset(link.DEFAULT_PRESET), problem=str(error))


def _number(
    params: dict[str, list[str]], name: str, bounds: tuple[float, float], usual: float
) -> float:
    if name not in params:
        return usual
    text, (low, high) = params[name][-1], bounds
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise InputError(f"{name} must be a number from {low:g} to {high:g}, got {text[:40]!r}")
    return number


def _replications(params: dict[str, list[str]]) -> int:
    number = float(_number(params, "replications", REPLICATIONS, USUAL_REPLICATIONS))
    if not number.is_integer():
        raise InputError(f"replications must be a whole number, got {number:g}")
    return int(number)


def _cut(params: dict[str, list[str]]) -> bool:
    text = params.get("cut", ["no"])[-1]
    if text not in ("yes", "no"):
        raise InputError(f"cut must be yes or no, got {text[:40]!r}")
    return text == "yes"


def _policies(params: dict[str, list[str]]) -> tuple[str, ...]:
    known = policy_names()
    names = [name for name in params.get("policies", [",".join(known)])[-1].split(",") if name]
    for name in names:
        if name not in known:
            raise InputError(f"policies must be among {', '.join(known)}, got {name[:40]!r}")
    if not names:
        raise InputError("policies must name at least one policy")
    return tuple(name for name in known if name in names)
