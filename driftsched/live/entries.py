"""Hardware entries: calibrated engines as YAML files, for any scenario to use."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import Field, ValidationError

from driftsched.core.config import Config
from driftsched.core.errors import InputError
from driftsched.results.files import io_errors
from driftsched.scenario.yaml_text import MAX_BYTES, read_yaml
from driftsched.serving.cost import CoefficientsConfig

if TYPE_CHECKING:
    from driftsched.live.calibration import Calibration

__all__ = ["HardwareEntry", "entry_of", "read_entry", "write_entry"]

HEAD = """\
# An engine as it was measured. Use it in a scenario by copying `cost` below `cluster`, or with
# --cost FILE on the command line.
"""


class HardwareEntry(Config):
    """What is kept of a calibration."""

    cost: CoefficientsConfig
    handover_iterations: float = Field(
        0.0, ge=0, le=100, description="iterations from a request's end to its successor's start"
    )
    errors: dict[str, Annotated[float, Field(ge=0)] | None] = Field(
        {}, description="standard error of each coefficient, in seconds"
    )
    fit: dict[str, float | None] = Field({}, description="how well it explains what was seen")


def entry_of(calibration: Calibration) -> HardwareEntry:
    """What to keep of a calibration; what is not known is null."""
    return HardwareEntry(
        cost=calibration.cost(),
        handover_iterations=_known(calibration.handover_iterations) or 0.0,
        errors={name: _known(value) for name, value in calibration.errors.items()},
        fit={name: _known(value) for name, value in calibration.fit.items()},
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def write_entry(entry: HardwareEntry, path: Path) -> None:
    """Write an entry to a file; one that exists is replaced.

    Raises
    ------
    RunError
        When the file cannot be written.
    """
    text = yaml.safe_dump(entry.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    with io_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text, encoding="utf-8")


def read_entry(path: Path) -> HardwareEntry:
    """Read an entry that `write_entry` wrote, or a person.

    Raises
    ------
    InputError
        One line: the file, the field and the rule.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(MAX_BYTES + 1)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"hardware entry {path} cannot be read: {reason}") from None
    data = read_yaml(text, f"hardware entry {path}")
    try:
        return HardwareEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "it"
        raise InputError(f"hardware entry {path}: {field}: {first['msg']}") from None
