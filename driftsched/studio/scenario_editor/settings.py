"""The other sections: basics, estimator, policy, engine and GPU, metrics."""

from __future__ import annotations

import inspect

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.scenario import Cluster, Engine, Estimator, Metrics, Prompts, Scenario
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.scenario_editor.draft import GANG_FIELDS
from driftsched.studio.scenario_editor.edit import Edit
from driftsched.studio.scenario_editor.fields import edit_fields
from driftsched.studio.scenario_editor.hardware import capacity, hardware
from driftsched.studio.state import get_scenario

__all__ = ["basics", "cluster", "engine", "estimator", "metrics", "policy"]


HARDWARE = ("gpu", "model", "own_gpus", "own_models")


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
    """Edit how requests share a replica."""
    data = edit.data["engine"]
    first = edit_fields(edit.draft, Engine, data, "engine", only=("mode", "batch_size"))
    gang = first["mode"] == "gang"
    rest = [name for name in Engine.model_fields if (name in GANG_FIELDS) == gang]
    rest = [name for name in rest if name not in ("mode", "batch_size")]
    edit.data["engine"] = edit_fields(edit.draft, Engine, first, "engine", only=rest)


def cluster(edit: Edit) -> None:
    """Edit the modelled GPUs: which, how many, who queues where; says how much KV cache fits."""
    draft, data = edit.draft, dict(edit.data["cluster"])
    hardware(edit, data)
    plain = ["tensor_parallel", "price_per_gpu_hour"]
    if not data.get("pools"):
        plain.insert(0, "replicas")
    data = edit_fields(draft, Cluster, data, "cluster", only=plain)
    capacity({name: v for name, v in data.items() if name not in ("replicas", "pools")})
    st.markdown("**Queue and router**")
    data = edit_fields(draft, Cluster, data, "cluster", only=("queue", "router"), columns=1)
    with st.expander("Pools: replicas of different kinds", icon=":material/stacks:"):
        st.caption("A pool says only what differs from the cluster; without pools all are alike.")
        data = edit_fields(draft, Cluster, data, "cluster", only=("pools",))
    drawn = {*plain, "replicas", "queue", "router", "pools", *HARDWARE}
    with st.expander("Memory, context and cost of an iteration", icon=":material/memory:"):
        data = edit_fields(draft, Cluster, data, "cluster", skip=drawn)
    edit.data["cluster"] = data


def metrics(edit: Edit) -> None:
    """Edit how results are summed up."""
    edit.data["metrics"] = edit_fields(edit.draft, Metrics, edit.data["metrics"], "metrics")
