"""How far a calibration can be trusted, in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.live.twin import Twin

__all__ = ["known_within", "r2_text", "twin_warnings", "warnings_of"]

FIGURES = ("r2", "p90_relative_error", "observations", "iterations", "total_relative_error")
GOOD_R2 = 0.9
CLOSE = 0.05
"""Where nine of ten stretches are as close as this, there was little variance to explain."""
FEW_STRETCHES = 50
FEW_ITERATIONS = 200
OFF_IN_TOTAL = 0.1
CACHED = 0.05
UNTOLD = 10.0
"""Standard errors over this many times the coefficient say only that it cannot be told."""
BETTER = (
    "Calibrate from a run of the traffic in question, or give the probe its prompt and answer "
    "lengths and batch size, on a machine that does nothing else."
)


def warnings_of(fit: Mapping[str, float | None]) -> list[str]:
    """Say what is wrong with a fit, and what to do; empty where it is good.

    Parameters
    ----------
    fit : mapping
        Of a `Calibration` or a hardware entry; what is missing or None is not known.

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


def twin_warnings(twin: Twin) -> list[str]:
    """Say what a twin cannot know of its live run."""
    requests = twin.live.requests
    if "cached_tokens" not in requests.columns:
        return []
    share = float(requests["cached_tokens"].fillna(0).sum()) / float(
        requests["prompt_tokens"].sum()
    )
    if share < CACHED:
        return []
    return [
        f"The engine had {share:.0%} of the prompts' tokens in its prefix cache; the twin computes "
        "all of them and is slower by that. Run live with the prefix cache off to compare."
    ]


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
