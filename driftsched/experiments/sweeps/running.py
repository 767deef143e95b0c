"""Run a sweep: chunks of points to whoever works, results as they come, a table of all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from driftsched.core.errors import DriftSchedError
from driftsched.experiments.sweeps.design import Point, Sweep, scenario_at
from driftsched.experiments.sweeps.executor import HERE, Workers
from driftsched.experiments.sweeps.figures import measure

if TYPE_CHECKING:
    from driftsched.experiments.sweeps.folder import Row, SweepFolder
    from driftsched.scenario import Scenario

__all__ = ["run_points", "run_sweep", "sweep_table"]

CHUNK_S = 0.5
"""A chunk takes about so long: what a killed sweep loses of each worker at most."""
FIRST, MOST = 4, 500
"""Points in the first chunks, before it is known how long one takes, and in any."""


class _Chunk(NamedTuple):
    scenario: Scenario
    seeds: int
    points: Sequence[Point]


def run_points(chunk: _Chunk) -> tuple[float, list[Row]]:
    """Run some points, one after the other; seconds, and a row each, failed ones too."""
    began = time.perf_counter()
    rows = [_run(chunk.scenario, chunk.seeds, point) for point in chunk.points]
    return time.perf_counter() - began, rows


def _run(scenario: Scenario, seeds: int, point: Point) -> Row:
    row: Row = {"key": point.key, "settings": point.settings, "status": "done", "reason": ""}
    try:
        figures = measure(scenario_at(scenario, point.settings), seeds)
    except DriftSchedError as error:
        return row | {"status": "failed", "reason": str(error), "figures": {}}
    except Exception as error:  # noqa: BLE001  one bad point must not end the others
        reason = f"{type(error).__name__}: {error}"
        return row | {"status": "failed", "reason": reason, "figures": {}}
    return row | {"figures": figures}


def run_sweep(
    sweep: Sweep,
    *,
    by: Workers = HERE,
    keep: SweepFolder | None = None,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Run all points of a sweep that are not done, and give the table of all.

    Parameters
    ----------
    by : Workers
        Who runs them; the figures are the same whoever does.
    keep : SweepFolder, optional
        Where results are found and kept, each as it comes.
    progress : callable, optional
        Called with the share done of the points that were left, 0 to 1; what it raises ends the
        sweep.

    Returns
    -------
    DataFrame
        As `sweep_table`.

    Raises
    ------
    RunError
        When a worker dies, or somebody else runs this sweep. A point that fails is a row.

    Examples
    --------
    >>> from driftsched.experiments.sweeps import plan
    >>> from driftsched.scenario import load_scenario
    >>> small = load_scenario("paper", ["phases.0.requests=50", "phases.1.requests=150"])
    >>> table = run_sweep(plan(small, ["policy=fifo,sjf", "load=0.5,1"]))
    >>> table[["policy", "load", "status"]].to_numpy().tolist()[0]
    ['fifo', 0.5, 'done']
    """
    known = {point.key for point in sweep.points}
    with nullcontext(None) if keep is None else keep.writing() as writer:
        former = [] if keep is None else keep.rows()
        rows = {row["key"]: row for row in former if row["key"] in known}
        left = [point for point in sweep.points if point.key not in rows]
        chunks, before = _Chunks(sweep, left, by.at_once), len(rows)
        for took_s, found in by.map_unordered(run_points, chunks):
            for row in found:
                if writer is not None:
                    writer.add(row)
                rows[row["key"]] = row
            chunks.learn(took_s, len(found))
            if progress is not None:
                progress((len(rows) - before) / len(left))
    return sweep_table(sweep, rows.values())


class _Chunks:
    """The points in chunks of about `CHUNK_S`, smaller towards the end so that all end together.

    That is guided self-scheduling (Polychronopoulos and Kuck 1987) with an upper bound.
    """

    def __init__(self, sweep: Sweep, left: Sequence[Point], workers: int) -> None:
        self._sweep, self._left, self._workers = sweep, left, workers
        self._size = FIRST

    def learn(self, took_s: float, points: int) -> None:
        """Take note of how long a chunk took."""
        wanted = CHUNK_S * points / max(took_s, 1e-6)
        self._size = int(min(max(wanted, 1), MOST, 4 * self._size))

    def __iter__(self) -> Iterator[_Chunk]:
        at = 0
        while at < len(self._left):
            fair = -(-(len(self._left) - at) // (2 * self._workers))
            stop = at + min(self._size, fair)
            yield _Chunk(self._sweep.scenario, self._sweep.seeds, self._left[at:stop])
            at = stop


def sweep_table(sweep: Sweep, rows: Iterable[Row]) -> pd.DataFrame:
    """One row a point that has run, in the order asked for.

    Columns are the parameters, then the keys of `measure`, status (done or failed), reason and
    point, its key. Settings that are no plain values are written as JSON.
    """
    by_key: Mapping[str, Row] = {row["key"]: row for row in rows}
    names = [parameter.name for parameter in sweep.parameters]
    found: list[dict[str, Any]] = []
    for point in _in_order(sweep):
        row = by_key.get(point.key)
        if row is not None:
            settings = {name: _plain(point.settings[name]) for name in names}
            told = {"status": row["status"], "reason": row["reason"], "point": point.key}
            found.append(settings | row["figures"] | told)
    figures = dict.fromkeys(name for row in by_key.values() for name in row["figures"])
    return pd.DataFrame(found, columns=[*names, *figures, "status", "reason", "point"]).astype(
        dict.fromkeys(figures, np.float64)
    )


def _in_order(sweep: Sweep) -> Sequence[Point]:
    """Points as their parameters are listed: the first varies slowest."""
    if sweep.sample:
        return sweep.points
    places = [
        {json.dumps(value): place for place, value in enumerate(parameter.values)}
        for parameter in sweep.parameters
    ]

    def place(point: Point) -> tuple[int, ...]:
        values = point.settings.values()
        return tuple(at[json.dumps(value)] for at, value in zip(places, values, strict=True))

    return sorted(sweep.points, key=place)


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) or value is None else value
