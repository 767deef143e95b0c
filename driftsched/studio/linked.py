"""Choices of a page that stand in its link beside the view. No streamlit here.

Streamlit itself puts them there (``bind="query-params"``), by their labels, and drops what is not
among them without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from driftsched.studio.keys import Key
from driftsched.studio.words import METRICS, choice_label, policy_label

__all__ = ["CHOICES", "SCOPES", "SPLITS", "WORLDS", "refused_choices", "unknown_names"]

WORLD = "world"
WORLDS = {"simulated": "Simulated", "live": "Live"}
SPLITS = {"overall": "All requests", "tenant": "By tenant", "category": "By category"}
SCOPES = {"overall": "All tenants together", "tenant": "Each tenant"}
_LEVELS = {level: f"P{level:g}" for level in (50.0, 95.0, 99.0)}

CHOICES: dict[str, dict[Any, str]] = {
    WORLD: WORLDS,
    Key.METRIC: {name: label for name, (label, _) in METRICS.items()},
    Key.SPLIT: SPLITS,
    Key.SCOPE: SCOPES,
    Key.SERVICE_LEVEL: _LEVELS,
    Key.SWEEP_LEVEL: _LEVELS,
    Key.PAPER_UNIT: {name: choice_label(name) for name in ("words", "tokens")},
    Key.PAPER_MODE: {name: choice_label(name) for name in ("gang", "continuous")},
    Key.PAPER_LENGTHS: {name: choice_label(name) for name in ("natural", "capped")},
    Key.PAPER_SEEDS: {number: str(number) for number in (3, 5, 10, 20)},
}
"""Name in the link → the options, and how each is written there and on the page."""
_POLICIES = (Key.QUEUE_POLICY, Key.DRIFT_POLICY)
_FREE = (Key.PERCENTILES,)


def refused_choices(params: Mapping[str, Sequence[str]], policies: Iterable[str]) -> list[str]:
    """Say which choices of a link are none of the page's: parameter, rule, value.

    Parameters
    ----------
    params : mapping
        Query parameters with their values.
    policies : iterable of str
        Policies that are compared, of which one can be chosen.
    """
    compared = {name: policy_label(name) for name in policies}
    known = CHOICES | dict.fromkeys(_POLICIES, compared)
    return [
        f"{name} must be one of {', '.join(known[name].values())}, got {values[-1][:40]!r}"
        for name, values in params.items()
        if name in known and values[-1] not in known[name].values()
    ]


def unknown_names(params: Mapping[str, Sequence[str]], others: Iterable[str]) -> dict[str, str]:
    """Names in a link that mean nothing to any page, each with what to say of it.

    Parameters
    ----------
    others : iterable of str
        Names that the view knows.
    """
    known = [*others, *map(str, (*CHOICES, *_POLICIES, *_FREE))]
    return {
        name: f"a link's name must be {_names(name, known)}, got {name[:40]}={values[-1][:40]!r}"
        for name, values in params.items()
        if name not in known
    }


def _names(name: str, known: Sequence[str]) -> str:
    """The one that may have been meant, else all."""
    near = get_close_matches(name, known, n=1)
    return f"a known one, such as {near[0]}" if near else f"one of {', '.join(sorted(known))}"
