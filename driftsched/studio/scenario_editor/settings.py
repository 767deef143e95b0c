"""The other sections: basics, estimator, policy, engine and GPU, metrics."""

from __future__ import annotations

import inspect

import streamlit as st

from driftsched.errors import InputError
from driftsched.scenario import Cluster, Engine, Estimator, Metrics, Prompts, Scenario
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.scenario_editor.edit import Edit
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.scenario_editor.hardware import capacity, hardware
from driftsched.studio.state import get_scenario

__all__ = ["basics", "engine", "estimator", "metrics", "policy"]


def basics(edit: Edit) -> None:
    """Edit name, title, question, seed and the rules for all prompts and answers."""
    draft, data = edit.draft, edit.data
    data |= edit_fields(draft, Scenario, data, "", only=("name", "seed"), columns=2)
    data |= edit_fields(draft, Scenario, data, "", only=("title",), columns=1)
    data["question"] = st.text_area(
        "Question",
        value=draft.first(draft.key("question"), data["question"]),
        key=draft.key("question"),
        help="What the scenario answers.",
        height=80,
    )
    data |= edit_fields(draft, Scenario, data, "", only=("lengths",), columns=2)
    data["prompts"] = edit_fields(draft, Prompts, data["prompts"], "prompts", columns=1)


def estimator(edit: Edit) -> None:
    """Edit how a request's length is guessed, and how the guess learns."""
    st.caption(
        "Budget = category's base × correction × the tenant's safety factor × input factor; the "
        "total with the prompt decides the size class."
    )
    edit.data["estimator"] = edit_fields(
        edit.draft, Estimator, edit.data["estimator"], "estimator", columns=2
    )


def policy(edit: Edit) -> None:
    """Edit which waiting request goes next."""
    edit.data |= edit_fields(edit.draft, Scenario, edit.data, "", only=("policy",))
    try:
        spec = POLICIES[edit.data["policy"]["kind"]].model_validate(edit.data["policy"])
        rule = inspect.getdoc(type(spec.build(get_scenario().tenants)))
    except (InputError, KeyError, TypeError, ValueError):
        rule = None
    if rule:
        st.info(rule, icon=":material/rule:")


def engine(edit: Edit) -> None:
    """Edit batching and the modelled GPU; says how much KV cache fits."""
    data = edit.data
    data["engine"] = edit_fields(edit.draft, Engine, data["engine"], "engine")
    cluster = dict(data["cluster"])
    hardware(edit, cluster)
    data["cluster"] = edit_fields(
        edit.draft,
        Cluster,
        cluster,
        "cluster",
        skip=("gpu", "model", "own_gpus", "own_models", "router", "pools"),
    )
    capacity(data["cluster"])


def metrics(edit: Edit) -> None:
    """Edit how results are summed up."""
    edit.data["metrics"] = edit_fields(edit.draft, Metrics, edit.data["metrics"], "metrics")
