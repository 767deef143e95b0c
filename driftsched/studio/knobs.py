"""The what-if knobs of a view in its link. No streamlit here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from driftsched.core.errors import InputError
from driftsched.studio import tuning
from driftsched.studio.whatif import policy_names

if TYPE_CHECKING:
    from driftsched.studio.state import View

__all__ = [
    "BURSTS",
    "KNOBS",
    "LOADS",
    "REPLICATIONS",
    "STEPS",
    "USUAL_REPLICATIONS",
    "read_knobs",
    "written_knobs",
]

LOADS = (0.1, 4.0)
BURSTS = (0.1, 8.0)
STEPS = (0.25, 4.0)
REPLICATIONS = (2, 40)
USUAL_REPLICATIONS = 10

Texts = Sequence[str]


def read_knobs(params: Mapping[str, Texts]) -> tuple[dict[str, Any], list[str]]:
    """Fields of a view that a link's query parameters give, and why others were refused.

    Returns
    -------
    fields : dict
        By the field's name; what the link does not name, or names wrongly, is not in it.
    problems : list of str
        Parameter, rule and value of each that was refused.
    """
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for name, (field, read) in KNOBS.items():
        if name in params:
            try:
                fields[field] = read(params[name])
            except InputError as error:
                problems.append(str(error))
    return fields, problems


def written_knobs(view: View, usual: View) -> dict[str, str | list[str]]:
    """Query parameters of the knobs of `view` that are not as in `usual`."""
    wanted: dict[str, str | list[str]] = {}
    for name, value, other in (
        ("load", view.load, usual.load),
        ("cv", view.bursts, usual.bursts),
        ("drift", view.step, usual.step),
        ("replications", view.replications, usual.replications),
    ):
        if value is not None and value != other:
            wanted[name] = f"{value:.6g}"
    if view.cut:
        wanted["cut"] = "yes"
    if view.tuned:
        wanted["tune"] = tuning.encode(view.tuned)
    if view.policies != usual.policies:
        wanted["policies"] = ",".join(view.policies)
    return wanted


def _number(name: str, bounds: tuple[float, float]) -> Callable[[Texts], float]:
    low, high = bounds

    def read(texts: Texts) -> float:
        try:
            number = float(texts[-1])
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise InputError(
                f"{name} must be a number from {low:g} to {high:g}, got {texts[-1][:40]!r}"
            )
        return number

    return read


def _replications(texts: Texts) -> int:
    number = _number("replications", REPLICATIONS)(texts)
    if not number.is_integer():
        raise InputError(f"replications must be a whole number, got {number:g}")
    return int(number)


def _cut(texts: Texts) -> bool:
    if texts[-1] not in ("yes", "no"):
        raise InputError(f"cut must be yes or no, got {texts[-1][:40]!r}")
    return texts[-1] == "yes"


def _policies(texts: Texts) -> tuple[str, ...]:
    known = policy_names()
    names = [name for name in texts[-1].split(",") if name]
    for name in names:
        if name not in known:
            raise InputError(f"policies must be among {', '.join(known)}, got {name[:40]!r}")
    if not names:
        raise InputError("policies must name at least one policy, got ''")
    return tuple(name for name in known if name in names)


KNOBS: dict[str, tuple[str, Callable[[Texts], Any]]] = {
    "load": ("load", _number("load", LOADS)),
    "cv": ("bursts", _number("cv", BURSTS)),
    "drift": ("step", _number("drift", STEPS)),
    "replications": ("replications", _replications),
    "cut": ("cut", _cut),
    "tune": ("tuned", tuning.decode),
    "policies": ("policies", _policies),
}
"""Query parameter → field of the view, and how its texts are read."""
