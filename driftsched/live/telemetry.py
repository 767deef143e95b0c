"""Telemetry of a live run: this machine's probes, asked in turn with the engine's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import psutil

from driftsched.live.telemetry_nvml import NvmlProbe

if TYPE_CHECKING:
    from driftsched.live.engine import Probe
    from driftsched.live.in_flight import Clock

__all__ = ["MachineProbes", "ProcessProbe", "Sampler"]

PROBE_TIMEOUT_S = 5.0


class Sampler:
    """Asks probes again and again, and keeps their answers as rows of the gpus table.

    What a probe does not answer, or cannot, is missing in the row; the run goes on.

    Attributes
    ----------
    rows : list
        time_s, replica and the columns that were measured, in order of time.
    failures : dict
        Name of a probe → how often it failed, and why the last time.
    """

    def __init__(self, clock: Clock) -> None:
        self.rows: list[dict[str, float]] = []
        self.failures: dict[str, dict[str, int | str]] = {}
        self._clock = clock

    async def run(
        self,
        probes: Sequence[Probe],
        running: Sequence[int],
        step_s: float,
        on_sample: Callable[[], None],
    ) -> None:
        """Sample until cancelled, on a schedule of its own that never drifts.

        Parameters
        ----------
        probes : sequence of Probe
            Whom to ask.
        running : sequence of int
            Requests in each replica, kept up to date by its owner.
        step_s : float
            From one sample to the next, in seconds.
        on_sample : callable
            Called after each; what it raises ends this.
        """
        tick = 0
        while True:
            samples: dict[int, dict[str, float]] = {
                replica: {"running": float(count)} for replica, count in enumerate(running)
            }
            now = self._clock()
            for found in await asyncio.gather(*map(self._ask, probes)):
                for replica, values in found.items():
                    samples.setdefault(replica, {}).update(values)
            self.rows += [
                {"time_s": now, "replica": replica, **values} for replica, values in samples.items()
            ]
            on_sample()
            tick = max(tick + 1, int(self._clock() / step_s))
            await asyncio.sleep(max(0.0, tick * step_s - self._clock()))

    async def _ask(self, probe: Probe) -> Mapping[int, Mapping[str, float]]:
        try:
            return await asyncio.wait_for(probe.sample(), PROBE_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - telemetry that fails must not end a run
            name = type(probe).__name__
            times = int(self.failures.get(name, {}).get("times", 0))
            self.failures[name] = {"times": times + 1, "last": type(error).__name__}
            return {}


class MachineProbes:
    """Open it before a run and `close` it afterwards.

    Attributes
    ----------
    probes : tuple of Probe
        GPUs by their number, which is taken for the replica's; the process with replica 0.
    said : str
        One plain sentence: which GPUs are read, or why none are.
    """

    def __init__(self) -> None:
        self._nvml, self.said = NvmlProbe.open()
        own = ProcessProbe()
        self.probes: Sequence[Probe] = (own,) if self._nvml is None else (self._nvml, own)

    def close(self) -> None:
        """Let go of NVML; safe to call twice."""
        if self._nvml is not None:
            self._nvml.close()


class ProcessProbe:
    """Reads processor time and resident memory of a process and all that it has started.

    Parameters
    ----------
    pid : int, optional
        By default this process, where the torch engine runs too. A server that somebody else
        started is not among its children.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._spent_s: dict[int, float] = {}
        self._read_s = 0.0
        self.read()

    def read(self) -> dict[str, float]:
        """process_cpu (cores busy since the last reading) and process_memory_mb, resident."""
        now, memory, spent = time.perf_counter(), 0, {}
        for process in (self._process, *self._children()):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue  # it has just ended, or is not ours to see
            spent[process.pid] = times.user + times.system
        # A child counts from its second reading on, so that one found late adds no past time.
        used = sum(s - self._spent_s[pid] for pid, s in spent.items() if pid in self._spent_s)
        passed, self._read_s, self._spent_s = now - self._read_s, now, spent
        return {"process_cpu": max(used, 0.0) / passed, "process_memory_mb": memory / 1e6}

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Do the same as `read`, off the event loop, as figures of the first replica."""
        return {0: await asyncio.to_thread(self.read)}

    def _children(self) -> list[psutil.Process]:
        try:
            children: list[psutil.Process] = self._process.children(recursive=True)
        except psutil.Error:
            return []
        return children
