"""What a session looks at: one plain object, mirrored in the page's link."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.scenario import Scenario, with_burstiness, with_length_step
from driftsched.scheduling.policies import PolicySpec
from driftsched.studio import link
from driftsched.studio.keys import Key
from driftsched.studio.knobs import KNOBS, USUAL_REPLICATIONS, read_knobs, written_knobs
from driftsched.studio.linked import refused_choices, unknown_names
from driftsched.studio.presets import preset
from driftsched.studio.whatif import policy_names, variants, with_load

__all__ = [
    "Key",
    "View",
    "forget_view",
    "get_scenario",
    "get_view",
    "set_scenario",
    "set_view",
    "share",
]

_VIEW = "view"
_OURS = ("preset", "set", "scenario", *KNOBS)


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
    problems : tuple of str
        What the link that gave this view says and could not be taken: parameter, rule, value.
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
    problems: tuple[str, ...] = ()

    @cached_property
    def effective(self) -> Scenario:
        """The scenario with load, bursts and drift applied: what is run."""
        scenario = with_load(self.scenario, self.load)
        if self.bursts is not None:
            scenario = with_burstiness(scenario, self.bursts)
        return with_length_step(scenario, self.step)

    @cached_property
    def variants(self) -> dict[str, Scenario]:
        """What is run under each policy that is compared, by the policy's name."""
        return variants(self.effective, self.policies, self.tuned)

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


def forget_view() -> None:
    """Have the next `get_view` read the link again, as after the browser's back button."""
    st.session_state.pop(_VIEW, None)


def set_view(view: View) -> None:
    """Replace the session's view; the link follows at the next `share`."""
    st.session_state[_VIEW] = replace(view, problems=())


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
        wanted |= written_knobs(view, View(view.preset, view.scenario))
    current = {name: st.query_params.get_all(name) for name in _OURS if name in st.query_params}
    changed = {
        name: value
        for name, value in wanted.items()
        if current.get(name) != (value if isinstance(value, list) else [value])
    }
    if changed:
        st.query_params.update(changed)  # at once: each writing is a step of the back button
    for name in current:
        if name not in wanted:
            del st.query_params[name]
    return params is not None


def _from_link() -> View:
    """What the link says; each part of it that is wrong is left out, and the rest is kept."""
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    name, scenario, problems = link.read(params)
    knobs, refused = read_knobs(params)
    view = View(name, scenario, **knobs)
    try:
        _ = view.effective
    except InputError as error:
        refused.append(str(error))
        view = replace(view, load=1.0, bursts=None, step=1.0)
    unknown = unknown_names(params, _OURS)
    for each in unknown:
        del st.query_params[each]
    problems += [*refused, *refused_choices(params, view.policies), *unknown.values()]
    return replace(view, problems=tuple(problems))
