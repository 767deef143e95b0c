"""Telemetry of a live run: probes asked in turn, their answers as rows of the gpus table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from driftsched.live.engine import Probe
    from driftsched.live.flight import Clock

__all__ = ["Sampler", "gpu_rows"]

Row = dict[str, float]
COLUMNS = (
    "running",
    "kv_used_tokens",
    "kv_capacity_tokens",
    "busy",
    "power_w",
    "memory_used_mb",
    "temperature_c",
    "sm_clock_mhz",
)
"""What every gpus table has, simulated or live; live ones may have more."""
PROBE_TIMEOUT_S = 5.0


class Sampler:
    """Asks the probes every `step_s` seconds, on a schedule of its own that never drifts.

    What a probe does not answer, or cannot, is missing in the row; the run goes on.

    Attributes
    ----------
    rows : list
        time_s, replica and the columns that were measured, in order of time.
    failures : dict
        Name of a probe → how often it failed and why last.
    """

    def __init__(
        self, probes: Sequence[Probe], running: Callable[[], Sequence[int]], clock: Clock
    ) -> None:
        self.rows: list[Row] = []
        self.failures: dict[str, tuple[int, str]] = {}
        self._probes = probes
        self._running = running
        self._clock = clock

    async def run(self, step_s: float) -> None:
        """Sample until cancelled."""
        tick = 0
        while True:
            await self.sample()
            tick = max(tick + 1, int(self._clock() / step_s))
            await asyncio.sleep(max(0.0, tick * step_s - self._clock()))

    async def sample(self) -> None:
        """Add a row a replica."""
        merged: dict[int, Row] = {
            replica: {"running": float(count)} for replica, count in enumerate(self._running())
        }
        now = self._clock()
        for found in await asyncio.gather(*map(self._ask, self._probes)):
            for replica, values in found.items():
                merged.setdefault(replica, {}).update(values)
        self.rows += [
            {"time_s": now, "replica": replica, **values} for replica, values in merged.items()
        ]

    async def _ask(self, probe: Probe) -> Mapping[int, Mapping[str, float]]:
        try:
            return await asyncio.wait_for(probe.sample(), PROBE_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - telemetry that fails must not end a run
            name = type(probe).__name__
            count = self.failures.get(name, (0, ""))[0]
            self.failures[name] = (count + 1, type(error).__name__)
            return {}


def gpu_rows(rows: Sequence[Row]) -> pd.DataFrame:
    """The gpus table: the usual columns first, then what else was measured; unknown is NaN."""
    table = pd.DataFrame(rows, columns=None if rows else ["time_s", "replica"])
    others = [name for name in table.columns if name not in ("time_s", "replica", *COLUMNS)]
    table = table.reindex(columns=["time_s", "replica", *COLUMNS, *others])
    return table.astype(dict.fromkeys(table.columns, np.float64) | {"replica": np.int32})
