"""Hardware entries: calibrated engines as YAML files, and how far such a fit can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from driftsched.core.config import Config
from driftsched.core.errors import InputError
from driftsched.live.calibration import Calibration
from driftsched.results.files import io_errors, write_file
from driftsched.scenario.messages import one_line
from driftsched.scenario.yaml_text import read_yaml_file
from driftsched.serving.cost import CoefficientsConfig

HEAD = """\
# An engine as it was measured. Use it in a scenario by copying `cost` below `cluster`, or with
# --cost FILE on the command line.
"""


FIGURES = ("r2", "p90_relative_error", "observations", "iterations", "total_relative_error")
GOOD_R2 = 0.9
CLOSE = 0.05
"""Where nine of ten stretches are as close as this, there was little variance to explain."""
FEW_STRETCHES = 50
FEW_ITERATIONS = 200
OFF_IN_TOTAL = 0.1
UNTOLD = 10.0
"""Standard errors over this many times the coefficient say only that it cannot be told."""
BETTER = (
    "Calibrate from a run of the traffic in question, or give the probe its prompt and answer "
    "lengths and batch size, on a machine that does nothing else."
)


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
    return value if isfinite(value) else None


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
    write_file(path, (HEAD + text).encode())


def read_entry(path: Path) -> HardwareEntry:
    """Read an entry that `write_entry` wrote, or a person.

    Raises
    ------
    InputError
        One line: the file, the field and the rule.
    """
    data = read_yaml_file(path, "hardware entry")
    try:
        return HardwareEntry.model_validate(data)
    except ValidationError as error:
        said = one_line(error, HardwareEntry, "hardware entry")
        raise InputError(f"hardware entry {path}: {said}") from None


def warnings_of(fit: Mapping[str, float | None]) -> list[str]:
    """Say what is wrong with a fit, and what to do; empty where it is good.

    What is missing or None is not known.

    Examples
    --------
    >>> warnings_of({"r2": 0.97, "observations": 120.0, "total_relative_error": 0.0})
    []
    """
    r2, most, seen, steps, total = (_number(fit.get(name)) for name in FIGURES)
    said = []
    if r2 < GOOD_R2 and not most <= CLOSE:
        said.append(
            f"The fit is poor: R² is {r2:.2f}, and below {GOOD_R2:g} what is simulated with it can "
            f"be off by much. {BETTER}"
        )
    if abs(total) > OFF_IN_TOTAL:
        said.append(
            f"The fitted cost gives {100 * (1 + total):.0f} % of the time that was measured; the "
            "rest was spent in long stalls. Measure again on a machine that does nothing else."
        )
    if seen < FEW_STRETCHES or steps < FEW_ITERATIONS:
        amount = f"{seen:.0f} stretches" + ("" if isnan(steps) else f" of {steps:.0f} iterations")
        said.append(
            f"Little was seen: {amount}, for seven coefficients; one slow moment can bend such a "
            "fit. Send more requests, or longer answers."
        )
    return said


def known_within(value: float, error: float) -> str:
    """Say how well a coefficient is known.

    Examples
    --------
    >>> known_within(0.0, float("nan")), known_within(0.02, 0.001), known_within(0.02, 4.0)
    ('at its bound', '± 0.001', 'not told apart from others')
    """
    if not value:
        return "at its bound"
    if not isfinite(error):
        return "not known"
    return f"± {error:.2g}" if error < UNTOLD * value else "not told apart from others"


def r2_text(fit: Mapping[str, float | None]) -> str:
    """Write R²; a dash where all stretches lasted equally long and it has no meaning."""
    r2 = _number(fit.get("r2"))
    return f"R² {r2:.4f}" if isfinite(r2) else "R² –"


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
