"""GPU and model: from the catalogue or of the scenario's own, which are edited here too."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from pydantic import BaseModel

from driftsched.core.errors import InputError
from driftsched.scenario import Cluster
from driftsched.scenario.rules import Name
from driftsched.serving.catalogue import GPUS, MODELS, Gpu, Model
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.studio.scenario_editor.draft import Data
from driftsched.studio.scenario_editor.edit import Edit
from driftsched.studio.scenario_editor.table import edit_rows

__all__ = ["capacity", "hardware"]


class _Named(BaseModel):
    name: Name


class _NamedGpu(Gpu, _Named):
    """A row of the table of own GPUs."""


class _NamedModel(Model, _Named):
    """A row of the table of own models."""


OWN: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("own_gpus", "GPUs, by their data sheet", _NamedGpu),
    ("own_models", "Models, by their shape", _NamedModel),
)


def hardware(edit: Edit, cluster: Data) -> None:
    """Edit which GPU and which model; `cluster` is changed in place."""
    before = dict(cluster)
    with st.expander("Your own GPUs and models", icon=":material/developer_board:"):
        st.caption("What is entered here can be chosen below. Rows are added below the last one.")
        for field, what, row in OWN:
            st.markdown(f"**{what}**")
            cluster[field] = _own(edit, field, row, before.get(field))
    edit.draft.names["gpus"] = [*GPUS, *(cluster["own_gpus"] or {})]
    edit.draft.names["models"] = [*MODELS, *(cluster["own_models"] or {})]
    left, right = st.columns(2)
    with left:
        _choose(edit, "gpu", cluster, GPUS, cluster["own_gpus"] or {})
    with right:
        _choose(edit, "model", cluster, MODELS, cluster["own_models"] or {})


def capacity(cluster: Data) -> None:
    """Say how much KV cache fits, or why none does."""
    try:
        tokens = kv_capacity_tokens(Cluster.model_validate(cluster))
    except InputError as error:
        st.error(str(error), icon=":material/memory:")
    except ValueError:
        return  # said in full by the validation of the whole scenario
    else:
        st.info(
            f"KV cache for **{tokens:,} tokens** fits beside the weights.", icon=":material/memory:"
        )


def _choose(
    edit: Edit,
    name: str,
    cluster: Data,
    catalogue: Mapping[str, Gpu] | Mapping[str, Model],
    own: Data,
) -> None:
    """Draw the chooser and say where the chosen one's figures come from."""
    known = [*catalogue, *own]
    key = edit.draft.key(f"cluster.{name}")
    if st.session_state.get(key) not in known:  # an own entry that was renamed or removed
        st.session_state.pop(key, None)
    at = known.index(cluster[name]) if cluster[name] in known else 0
    chosen: str = st.selectbox(
        {"gpu": "GPU", "model": "Model"}[name],
        known,
        index=edit.draft.first(key, at),
        key=key,
        help="Own entries come after those of the catalogue.",
    )
    cluster[name] = chosen
    source = own[chosen].get("source") if chosen in own else catalogue[chosen].source
    st.caption(f"Figures from: {source or 'not stated'}.")


def _own(edit: Edit, field: str, row: type[BaseModel], entries: Data | None) -> Data | None:
    """A table of own entries by name; None where it is empty."""
    rows = [{"name": name, **entry} for name, entry in (entries or {}).items()]
    edited = edit_rows(edit.draft, row, rows, f"cluster.{field}")
    named = {entry.pop("name") or f"own-{place}": entry for place, entry in enumerate(edited, 1)}
    return named or None
