"""The command line that repeats a live run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from driftsched.live import LiveOptions

__all__ = ["live_command"]


def live_command(options: Mapping[str, Any]) -> str:
    """Command that runs ``scenario.yaml``, which is in the run's ZIP, with the same options.

    Parameters
    ----------
    options : mapping
        As in the run's provenance, under ``live.options``.
    """
    given = LiveOptions.model_validate(options).model_dump(mode="json", exclude_defaults=True)
    engine = dict(given.pop("engine", {}))
    words = ["python", "-m", "driftsched", "live", "scenario.yaml"]
    words += ["--engine", str(options["engine"]["kind"])]
    engine.pop("kind", None)
    for address in engine.pop("endpoints", ()):
        words += ["--endpoint", address]
    if "model" in engine:
        words += ["--model", engine.pop("model")]
    for key, value in _flat(given | ({"engine": engine} if engine else {})):
        words += ["--option", f"{key}={json.dumps(value)}"]
    return shlex.join(words)


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value
