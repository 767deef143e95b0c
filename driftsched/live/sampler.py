"""Telemetry of a live run: probes asked in turn, their answers as rows of the gpus table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.live.engine import Probe
    from driftsched.live.flight import Clock

__all__ = ["Sampler"]

Row = dict[str, float]
PROBE_TIMEOUT_S = 5.0


class Sampler:
    """Asks the probes every `step_s` seconds, on a schedule of its own that never drifts.

    What a probe does not answer, or cannot, is missing in the row; the run goes on. After each
    sample `on_sample` is called; what that raises ends `run`.

    Attributes
    ----------
    rows : list
        time_s, replica and the columns that were measured, in order of time.
    failures : dict
        Name of a probe → how often it failed, and why the last time.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        running: Callable[[], Sequence[int]],
        clock: Clock,
        on_sample: Callable[[], None],
    ) -> None:
        self.rows: list[Row] = []
        self.failures: dict[str, dict[str, int | str]] = {}
        self._probes = probes
        self._running = running
        self._clock = clock
        self._on_sample = on_sample

    async def run(self, step_s: float) -> None:
        """Sample until cancelled."""
        tick = 0
        while True:
            await self.sample()
            self._on_sample()
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
            times = int(self.failures.get(name, {}).get("times", 0))
            self.failures[name] = {"times": times + 1, "last": type(error).__name__}
            return {}
