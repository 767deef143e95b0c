"""Which policy a picture of one policy shows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from driftsched.studio.state import Key
from driftsched.studio.words import policy_label

__all__ = ["one_policy"]


def one_policy(
    label: str, policies: Sequence[str], first: str, *, key: Key, explanation: str
) -> str:
    """Draw the choice, `first` until the user chooses; return the policy's name."""
    return st.selectbox(
        label,
        policies,
        index=policies.index(first),
        key=key,
        bind="query-params",
        format_func=policy_label,
        width=260,
        help=explanation,
    )
