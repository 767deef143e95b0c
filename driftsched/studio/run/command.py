"""The command line that repeats a run."""

from __future__ import annotations

import shlex

from driftsched.scenario import Scenario
from driftsched.studio.link import differences
from driftsched.studio.presets import preset

__all__ = ["command_line"]


def command_line(scenario: Scenario, name: str) -> str:
    """Command that runs `scenario`, as changes to the preset `name` where that is possible.

    Otherwise it reads ``scenario.yaml``, which is in the run's ZIP.
    """
    changes = differences(preset(name), scenario)
    if changes is None:
        return "python -m driftsched run scenario.yaml"
    words = ["python", "-m", "driftsched", "run", name]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
