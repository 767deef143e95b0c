"""Telemetry of a live run: this machine's GPUs and process, asked in turn with the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil

from driftsched.live.engine import Probe
from driftsched.live.in_flight import Clock

PROBE_TIMEOUT_S = 5.0

Figure = Callable[[Any, Any], float]

FIGURES: Mapping[str, Figure] = {
    "busy": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100,
    "memory_busy": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).memory / 100,
    "memory_used_mb": lambda nvml, gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).used / 1e6,
    "memory_total_mb": lambda nvml, gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).total / 1e6,
    "power_w": lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,
    "energy_j": lambda nvml, gpu: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3,
    "temperature_c": lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(
        gpu, nvml.NVML_TEMPERATURE_GPU
    ),
    "sm_clock_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "memory_clock_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
    "pstate": lambda nvml, gpu: nvml.nvmlDeviceGetPerformanceState(gpu),
    "throttle_reasons": lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),
}
"""Column of the gpus table → how NVML is asked for it."""


class Sampler:
    """Asks probes again and again, and keeps their answers as rows of the gpus table.

    What a probe does not answer, or cannot, is missing in the row; the run goes on. `rows` have
    time_s, replica and the columns that were measured, in order of time; `failures` says how often
    a probe failed, and why the last time.
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
        """Sample every `step_s` until cancelled, on a schedule of its own that never drifts.

        `running` is the number of requests in each replica, kept up to date by its owner;
        `on_sample` is called after each; what it raises ends this.
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


class ProcessProbe:
    """Reads processor time and resident memory of this process and all that it has started.

    The torch engine runs here too. A server that somebody else started is not among the children.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
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


class NvmlProbe:
    """Reads all GPUs by NVIDIA's management library, each figure by itself.

    A figure that a card or a virtual machine does not offer is left out; on a machine without a GPU
    all are. Its `sample` runs in a thread, since a driver can take milliseconds to answer. GPUs are
    told by their number, which is taken for the replica's. `gpus` are their names; `said` is one
    plain sentence: which GPUs are read, or why none are.
    """

    def __init__(self) -> None:
        self.gpus: tuple[str, ...] = ()
        self._nvml: Any = None
        self._handles: list[Any] = []
        self._energy_j: dict[int, float] = {}
        self.said = self._open()
        if not self.gpus:
            self.close()

    def _open(self) -> str:
        try:
            import pynvml
        except ImportError:
            return "No GPU figures: the package nvidia-ml-py is not installed."
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return f"No NVIDIA GPU or driver found: {error}."
        self._nvml = pynvml
        try:
            numbers = range(pynvml.nvmlDeviceGetCount())
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in numbers]
        except pynvml.NVMLError as error:
            return f"The NVIDIA driver gives no access to its GPUs: {error}."
        names = [_text(self._ask(pynvml.nvmlDeviceGetName, gpu)) for gpu in self._handles]
        self.gpus = tuple(name or "NVIDIA GPU" for name in names)
        if not self.gpus:
            return "No NVIDIA GPU found: the driver lists none."
        driver = _text(self._ask(pynvml.nvmlSystemGetDriverVersion))
        return f"NVML reads {', '.join(self.gpus)}{f', driver {driver}' if driver else ''}."

    def read(self) -> dict[int, dict[str, float]]:
        """GPU number → column → value, now; energy counts from the first reading on."""
        return {number: self._read(number, gpu) for number, gpu in enumerate(self._handles)}

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Do the same as `read`, off the event loop."""
        return await asyncio.to_thread(self.read)

    def close(self) -> None:
        """Let go of the library; safe to call twice."""
        nvml, self._nvml, self._handles = self._nvml, None, []
        if nvml is not None:
            with suppress(nvml.NVMLError):
                nvml.nvmlShutdown()

    def _read(self, number: int, gpu: Any) -> dict[str, float]:
        figures = {name: self._ask(figure, self._nvml, gpu) for name, figure in FIGURES.items()}
        known = {name: float(value) for name, value in figures.items() if value is not None}
        if "energy_j" in known:
            first = self._energy_j.setdefault(number, known["energy_j"])
            known["energy_j"] -= first
        return known

    def _ask(self, question: Callable[..., Any], *about: Any) -> Any:
        """Return the answer, or None where the card, the driver or its rights give none."""
        try:
            return question(*about)
        except self._nvml.NVMLError:
            return None


def _text(name: bytes | str | None) -> str | None:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
