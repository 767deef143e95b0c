"""What the drift lab says of compensators on streams: their course, figures, one sentence."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import comb, log
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.compensators.conformal import ConformalConfig
from driftsched.experiments.lab import CUT, NO_DETECTOR, closed, estimates, scores
from driftsched.results import mean_interval, paired_change
from driftsched.results.wording import with_interval

if TYPE_CHECKING:
    from driftsched.estimation.compensators import CompensatorSpec
    from driftsched.estimation.detectors import DetectorSpec
    from driftsched.experiments.lab import Estimates, Floats, Stream
    from driftsched.scenario.estimator import SizeClasses

__all__ = ["ACTUAL", "KNOWN", "LabReport", "lab_report", "lab_says"]

ACTUAL, KNOWN, EMA = "actual", "known", "ema"
ROLLING, RECENT, WINDOW = 151, 12, 200
"""Requests of a rolling median, of being back, and of the worst coverage."""
NEAR, JUMP = log(1.1), 0.05
BOUND = ConformalConfig(share=0.9)
Interval = tuple[float, float, float]


class LabReport(NamedTuple):
    """How estimates follow streams of one kind.

    Attributes
    ----------
    course : DataFrame
        request, name (a compensator, "actual", or "known": the true median), value: rolling median
        of length over base in the first stream, of those requests that drift touches.
    alarms : DataFrame
        The same columns, a row an alarm of a compensator's detector: at what request, and where its
        line is then.
    figures : DataFrame
        compensator, then figure and its ends, _low and _high, means over the streams: closed (share
        of the EMA's excess absolute error), change (of that error against the EMA's), bias (mean
        estimate over mean length, less 1), wrong (share in a wrong size class), alarms (a stream;
        NaN without a detector), and the median
        over the streams of back (requests from a jump until estimates are within 10 % of where they
        were before; infinite where they never are). NaN where not known.
    covered, worst : tuple of float, float
        Share of answers within a bound for nine in ten, with its interval; and in the worst window
        of 200 requests, mean over the streams.
    jump : int or None
        The request at which lengths jump.
    """

    course: pd.DataFrame
    alarms: pd.DataFrame
    figures: pd.DataFrame
    covered: Interval
    worst: float
    jump: int | None


def lab_report(
    streams: Sequence[Stream],
    compensators: Mapping[str, CompensatorSpec],
    sizes: SizeClasses,
    detector: DetectorSpec = NO_DETECTOR,
) -> LabReport:
    """Follow streams, draws of one kind, with compensators by their kinds, the EMA among them."""
    table = scores(streams, compensators, detector=detector)
    shares = closed(table).set_index("compensator")
    wide = table.pivot(index="stream", columns="compensator")
    mae, bias = wide["mae"], wide["bias"] - 1
    alarms = wide["alarms"] * (np.nan if detector == NO_DETECTOR else 1)
    rows = []
    for name, spec in compensators.items():
        guesses = [estimates(stream, spec, detector).typical for stream in streams]
        change = paired_change(mae[EMA], mae[name])
        wrong = [_wrong(*pair, sizes) for pair in zip(streams, guesses, strict=True)]
        back = [_back(*pair) for pair in zip(streams, guesses, strict=True)]
        ends: dict[str, Interval] = {
            "closed": tuple(shares.loc[name, ["mae", "mae_low", "mae_high"]]),
            "change": (change.mean, change.low, change.high),
            "bias": mean_interval(bias[name]),
            "wrong": mean_interval(wrong),
            "alarms": mean_interval(alarms[name]),
            "back": _median_interval(back),
        }
        row: dict[str, str | float] = {"compensator": name}
        for figure, (value, low, high) in ends.items():
            row |= {figure: value, f"{figure}_low": low, f"{figure}_high": high}
        rows.append(row)
    within = [(stream.length <= estimates(stream, BOUND).typical)[CUT:] for stream in streams]
    windows = [np.convolve(each, np.full(WINDOW, 1 / WINDOW), "valid").min() for each in within]
    first = {name: estimates(streams[0], spec, detector) for name, spec in compensators.items()}
    course = _course(streams[0], first)
    return LabReport(
        course,
        _alarms(streams[0], first, course),
        pd.DataFrame(rows),
        mean_interval([each.mean() for each in within]),
        float(np.mean(windows)),
        _jump(streams[0]),
    )


def _jump(stream: Stream) -> int | None:
    """Where the drift of the requests that it touches most jumps."""
    if stream.shift is None:
        return None
    touched = np.flatnonzero(_touched(stream))
    steps = np.abs(np.diff(stream.shift[touched]))
    abrupt = len(steps) > 0 and steps.max() > max(JUMP, 3 * np.sort(steps)[-2])
    return int(touched[steps.argmax() + 1]) if abrupt else None


def _touched(stream: Stream) -> NDArray[np.bool_]:
    """Requests of the categories and tenants that drift has moved most; all where it moves none."""
    moved = np.zeros(len(stream)) if stream.shift is None else np.abs(stream.shift)
    most = moved >= moved.max() - 1e-9
    same_category = np.isin(stream.category, np.unique(stream.category[most]))
    return same_category & np.isin(stream.tenant, np.unique(stream.tenant[most]))


def _course(stream: Stream, found: Mapping[str, Estimates]) -> pd.DataFrame:
    touched = np.flatnonzero(_touched(stream))
    if _jump(stream) is None:
        touched = np.arange(len(stream))
    lines: dict[str, Floats] = {ACTUAL: stream.length.astype(np.float64)}
    if stream.median is not None:
        lines[KNOWN] = stream.median
    lines |= {name: guess.typical for name, guess in found.items()}
    frame = pd.DataFrame({name: (v / stream.base_tokens)[touched] for name, v in lines.items()})
    rolled = frame.rolling(ROLLING, center=True, min_periods=ROLLING // 2).median()
    long = rolled.assign(request=touched).dropna().melt("request", var_name="name")
    return long[["request", "name", "value"]]


def _alarms(stream: Stream, found: Mapping[str, Estimates], course: pd.DataFrame) -> pd.DataFrame:
    """Alarms by answers of those requests that drift touches, on the lines."""
    rows = []
    for name, guess in found.items():
        line = course[course["name"] == name]
        at = np.flatnonzero(guess.alarm)
        at = at[np.isin(at - 1 - stream.late, line["request"])]
        value = np.interp(at, line["request"], line["value"])
        rows.append(pd.DataFrame({"request": at, "name": name, "value": value}))
    return pd.concat(rows, ignore_index=True)


def _wrong(stream: Stream, guess: Floats, sizes: SizeClasses) -> float:
    bounds = [sizes.short, sizes.medium]
    taken, real = (
        np.searchsorted(bounds, stream.prompt_length + length)
        for length in (guess.astype(np.int64), stream.length)
    )
    return float((taken != real)[CUT:].mean())


def _back(stream: Stream, guess: Floats) -> float:
    """Requests from the jump until estimates are within 10 % of where they were; NaN without."""
    jump = _jump(stream)
    if jump is None or stream.median is None or stream.shift is None:
        return np.nan
    touched = np.flatnonzero(_touched(stream))
    before, after = touched[(touched < jump) & (touched >= CUT)], touched[touched >= jump]
    off = np.log(guess / stream.median) * np.sign(stream.shift[jump])
    recent = np.convolve(off[after], np.full(RECENT, 1 / RECENT), "valid")
    there = np.flatnonzero(recent >= off[before].mean() - NEAR)
    return float(after[there[0]] - jump) if len(there) else np.inf


def _median_interval(values: Sequence[float]) -> Interval:
    """Median with its 95 % interval by order statistics; no ends where there are too few."""
    x, n, out, tail = np.sort(values), len(values), 0, 0.0
    while (tail := tail + comb(n, out) / 2**n) <= 0.025:
        out += 1
    middle = float(x[(n - 1) // 2] + x[n // 2]) / 2
    return (middle, float(x[out - 1]), float(x[n - out])) if out else (middle, np.nan, np.nan)


def lab_says(report: LabReport) -> str:
    """Say who is back how soon, and who is nearest to what can be known."""
    figures = {str(row["compensator"]): row for row in report.figures.to_dict("records")}
    others = [name for name in figures if name != EMA]
    if not others:
        return "Choose another compensator to set beside the EMA."
    known = not np.isnan(figures[EMA]["closed"])
    best = min(
        others, key=lambda name: -figures[name]["closed"] if known else figures[name]["change"]
    )
    change, label = figures[best]["change"], _label(best)
    if not known:
        side = "less" if change < 0 else "more"
        return f"{label} errs {100 * abs(change):.2g} % {side} than the EMA on these lengths."
    said = f"{label} closes {_ends(figures[best], 'closed', 100)} % of the EMA's excess error."
    if not np.isnan(figures[best]["alarms"]):
        raised = [f"{_label(name)} {figures[name]['alarms']:.2g}" for name in (best, EMA)]
        said += f" Alarms a stream: {', '.join(raised)}."
    if report.jump is None:
        return said
    backs = [f"{_label(name)} {_back_said(figures[name])}" for name in (best, EMA)]
    return f"Back within 10 % of before the jump: {', '.join(backs)}. {said}"


def _back_said(row: Mapping[Hashable, Any]) -> str:
    return "never" if np.isinf(row["back"]) else f"after {_ends(row, 'back')} requests"


def _label(kind: str) -> str:
    return f"**{COMPENSATORS[kind].label.split(' (')[0]}**"


def _ends(row: Mapping[Hashable, Any], figure: str, times: float = 1) -> str:
    return with_interval(*(times * row[f"{figure}{end}"] for end in ("", "_low", "_high")))
