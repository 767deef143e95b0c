"""How the programs here show what they measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["show"]


def show(found: Mapping[str, Any], limits: Mapping[str, float], as_json: bool) -> int:
    """Print figures, a line each or as one JSON object.

    Parameters
    ----------
    found : mapping
        Name with its unit → number or text.
    limits : mapping
        Name → the most that is allowed.
    as_json : bool
        What ``--json`` asks for.

    Returns
    -------
    int
        The exit code: 1 where a limit does not hold.
    """
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            limit = f"  (limit {limits[name]:g})" if name in limits else ""
            shown = value if isinstance(value, str) else f"{value:,.2f}"
            print(f"{name:<32}{shown:>14}{limit}")
    return int(any(found[name] > limit for name, limit in limits.items()))
