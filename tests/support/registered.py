"""Whatever is registered, found rather than listed, with parameters to try it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftsched.core.config import Config
from driftsched.scheduling.server import Server
from driftsched.studio.scenario_editor.schema import first_values

__all__ = ["SERVER", "example", "examples"]

SERVER = Server(prompt_s=1e-4, token_s=0.02, seats=16, kv_tokens=100_000)
"""What serves, where a policy asks."""


def example(kind: type[Config]) -> Any:
    """Return the kind with its defaults, and the studio's first values where it has none."""
    return kind.model_validate(first_values(kind, None))


def examples(registry: Mapping[str, type[Config]]) -> dict[str, Any]:
    """Return an `example` of every registered kind, by name."""
    return {name: example(kind) for name, kind in registry.items()}
