"""Presets, read once."""

from __future__ import annotations

from functools import cache

from driftsched.scenario import Scenario, load_scenario

__all__ = ["preset"]


@cache
def preset(name: str) -> Scenario:
    """The preset `name`, as it is when it is first asked for."""
    return load_scenario(name)
