"""The editor's sections: most are the form of some fields, a few have more to say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from driftsched.scenario import (
    Cluster,
    Engine,
    Patience,
    Phase,
    Retries,
    Scenario,
    Tenant,
)
from driftsched.scheduling.policies import POLICIES
from driftsched.serving.catalogue import GPUS, MODELS
from driftsched.studio.scenario_editor.draft import GANG_FIELDS, Data, Draft, Form
from driftsched.studio.scenario_editor.form import EDITORS, edit_fields
from driftsched.studio.scenario_editor.names import follow, names_of
from driftsched.studio.scenario_editor.recorded import recorded
from driftsched.studio.scenario_editor.tables import add_up, columns_of, edit_rows
from driftsched.studio.words import plain

Section = Callable[[Draft], None]
Fields = tuple[str, ...]
CLIENTS = {"patience": Patience, "retries": Retries}
"""Parts of a tenant that have no place in a table; they are edited below it."""
SOURCES = {"phases": "Phases", "trace": "Recorded trace"}
ENDS = {"requests": ("a number of requests", 1000), "duration_s": ("a time", 60.0)}
"""What a phase may end after: its words, and the first value."""


OWN = ("own_gpus", "own_models")
CATALOGUES: dict[str, Mapping[str, Any]] = {"gpu": GPUS, "model": MODELS}


def _form(draft: Draft, fields: tuple[str, ...], columns: int = 3) -> None:
    draft.data |= edit_fields(draft, Scenario, draft.data, "", only=fields, columns=columns)


def _tenants(draft: Draft) -> None:
    former, before = draft.data["tenants"], names_of(draft.data["tenants"])
    rows = edit_rows(draft, columns_of(Tenant, skip=CLIENTS), former, "tenants")
    by_name = dict(zip(before, former, strict=True))
    for place, (row, name) in enumerate(zip(rows, names_of(rows), strict=True)):
        renamed = former[place] if len(rows) == len(former) else {}
        kept = by_name.get(name, renamed)
        row.update({part: kept[part] for part in CLIENTS if part in kept})
    draft.data["tenants"] = rows
    follow(draft.data, "tenants", before, names_of(rows))

    def put(shares: list[float]) -> None:
        for row, share in zip(rows, shares, strict=True):
            row["share"] = share

    add_up(draft, [row["share"] for row in rows], "tenants", put)
    with st.expander("Patience and retries", icon=":material/hourglass:"):
        at = st.selectbox(
            "Clients of",
            range(len(rows)),
            key=draft.key("clients-of"),
            format_func=lambda place: names_of(rows)[place],
            help="Whose clients are edited below; an empty time waits for ever.",
        )
        if at is not None:
            path = f"tenants.{at}"
            rows[at] = edit_fields(draft, Tenant, rows[at], path, only=CLIENTS)


def _traffic(draft: Draft) -> None:
    draft.source = st.radio(
        "Traffic from",
        list(SOURCES),
        index=list(SOURCES).index(draft.source),
        key=draft.key("source"),
        format_func=SOURCES.__getitem__,
        horizontal=True,
        help="Phases are drawn from arrival processes; a trace repeats recorded requests.",
    )
    if draft.source == "trace":
        recorded(draft)
    else:
        _form(draft, ("phases",))


def _phase(form: Form, data: Data, path: str) -> Data:
    edited = edit_fields(form, Phase, data, path, only=("name",), columns=1)
    bound = "requests" if data.get("duration_s") is None else "duration_s"
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        bound = st.selectbox(
            "Ends after",
            list(ENDS),
            index=list(ENDS).index(bound),
            key=form.key(f"{path}.ends"),
            format_func=lambda name: ENDS[name][0],
            help="A phase ends after its requests have come, or when its time is over.",
        )
    start = {bound: ENDS[bound][1] if data.get(bound) is None else data[bound]}
    with right:
        ends = edit_fields(form, Phase, start, path, only=(bound,), columns=1)
    edited |= {"requests": None, "duration_s": None} | ends
    return edit_fields(form, Phase, edited, path, skip=("name", *ENDS))


EDITORS[Phase] = _phase


def _policy(draft: Draft) -> None:
    _form(draft, ("policy",))
    policy = POLICIES[draft.data["policy"]["kind"]]
    st.info(inspect.getdoc(policy), icon=":material/rule:")


def _engine(draft: Draft) -> None:
    data = edit_fields(draft, Engine, draft.data["engine"], "engine", only=GANG_FIELDS[:2])
    gang = data["mode"] == "gang"
    rest = {name for name in Engine.model_fields if (name in GANG_FIELDS) == gang}
    rest -= set(GANG_FIELDS[:2])
    draft.data["engine"] = edit_fields(draft, Engine, data, "engine", only=rest)


def _cluster(draft: Draft) -> None:
    data: Data = draft.data["cluster"]
    with st.expander("Your own GPUs and models", icon=":material/developer_board:"):
        st.caption("What is entered here can be chosen below. Rows are added below the last one.")
        own = {name: data[name] for name in OWN}
        data |= edit_fields(draft, Cluster, own, "cluster", only=OWN)
    for column, (field, catalogue) in zip(st.columns(2), CATALOGUES.items(), strict=True):
        with column:
            data |= edit_fields(draft, Cluster, data, "cluster", only=(field,), columns=1)
            mine = (data[f"own_{field}s"] or {}).get(data[field])
            source = mine.get("source") if mine else catalogue[data[field]].source
            st.caption(f"Figures from: {plain(source or 'not stated')}.")
    counted = () if data.get("pools") else ("replicas",)
    few = (*counted, "tensor_parallel", "price_per_gpu_hour")
    data |= edit_fields(draft, Cluster, data, "cluster", only=few)
    st.markdown("**Queue and router**")
    data |= edit_fields(draft, Cluster, data, "cluster", only=("queue", "router"), columns=1)
    with st.expander("Pools: replicas of different kinds", icon=":material/stacks:"):
        st.caption("A pool says only what differs from the cluster; without pools all are alike.")
        data |= edit_fields(draft, Cluster, data, "cluster", only=("pools",))
    drawn = {*few, "replicas", "queue", "router", "pools", *CATALOGUES, *OWN}
    with st.expander("Memory, context and cost of an iteration", icon=":material/memory:"):
        data |= edit_fields(draft, Cluster, data, "cluster", skip=drawn)


def _fields(*names: str, about: str = "", columns: int = 3) -> tuple[Section, Fields, str]:
    return partial(_form, fields=names, columns=columns), names, about


BASICS = _fields(
    "name", "title", "question", "seed", about="What the scenario is called.", columns=2
)
SECTIONS: dict[str, tuple[Section, Fields, str]] = {
    "Tenants": (
        _tenants,
        ("tenants",),
        "One row a tenant. **Share** is its part of the requests, and the shares add up to 1; "
        "**weight** is its part of the service under the Weighted policy; an empty limit or "
        "SLO is none. Rows are added below the last one, removed by the box at their left.",
    ),
    # what the question is about is written as YAML: it is made with the question, and seldom
    "Basics": (BASICS[0], (*BASICS[1], "about"), BASICS[2]),
    "Categories": _fields(
        "categories",
        about="A category is a kind of work: what is budgeted for it at admission, the key words "
        "that give it away to the classifier, and how long its prompts and answers really are.",
    ),
    "All answers and prompts": _fields("lengths", "prompts", columns=2),
    "Traffic": (_traffic, ("phases", "trace", "scenario"), ""),
    "Drift": _fields(
        "drift",
        about="Drift changes how long prompts and answers are, or the mix of categories, while "
        "the traffic goes on: what the estimator has to learn. Times are nominal: phases laid end "
        "to end.",
    ),
    "Cluster": (_cluster, ("cluster",), ""),
    "Engine": (_engine, ("engine",), ""),
    "Events": _fields("events", about="What happens to the cluster while the run goes."),
    "Policy": (_policy, ("policy",), ""),
    "Estimator": _fields(
        "estimator",
        about="Budget = category's base × compensation × the tenant's safety factor × input "
        "factor; the total with the prompt decides the size class.",
        columns=2,
    ),
    "Metrics": _fields("metrics", about="Which percentiles are told, and when one is starved."),
}
"""Name → what draws it, the fields whose errors are its, and what it is about."""
_DRAWN = {"schema_version", *(field for _, fields, _ in SECTIONS.values() for field in fields)}
_OTHERS = tuple(field for field in Scenario.model_fields if field not in _DRAWN)
if _OTHERS:
    SECTIONS["More"] = _fields(*_OTHERS)
GROUPS: dict[str, tuple[str, ...]] = {
    "Who": ("Tenants", "Basics"),
    "What they ask": ("Categories", "All answers and prompts"),
    "When": ("Traffic", "Drift"),
    "Served by": ("Cluster", "Engine", "Events"),
    "Decided by": ("Policy", "Estimator", "Metrics", *(["More"] if _OTHERS else [])),
}
"""What is edited together → its sections; only one group is drawn at a time."""
