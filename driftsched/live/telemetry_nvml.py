"""What NVIDIA's management library says of the GPUs: each figure asked for by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

__all__ = ["THROTTLE_REASONS", "NvmlProbe", "throttle_words"]

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
"""Column of the gpus table → how it is asked for."""

THROTTLE_REASONS = {
    0x001: "idle",
    0x002: "application clocks",
    0x004: "power cap",
    0x008: "hardware slowdown",
    0x010: "sync boost",
    0x020: "thermal slowdown (software)",
    0x040: "thermal slowdown (hardware)",
    0x080: "power brake",
    0x100: "display clocks",
}
"""Bits of the throttle_reasons column, as nvml.h defines them."""


def throttle_words(reasons: float) -> tuple[str, ...]:
    """Words for a throttle_reasons figure; none where it is 0 or not known (NaN).

    Examples
    --------
    >>> throttle_words(0x24)
    ('power cap', 'thermal slowdown (software)')
    """
    if reasons != reasons:
        return ()
    bits = int(reasons)
    known = tuple(word for bit, word in THROTTLE_REASONS.items() if bits & bit)
    rest = bits & ~sum(THROTTLE_REASONS)
    return (*known, f"others (0x{rest:x})") if rest else known


class NvmlProbe:
    """Reads all GPUs; a figure that a card or a virtual machine does not offer is left out.

    Use `open`. Its `sample` runs in a thread, since a driver can take milliseconds to answer.

    Attributes
    ----------
    gpus : tuple of str
        Names of the GPUs, by number.
    driver : str or None
        Version of the driver.
    """

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._handles = [
            nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())
        ]
        self.gpus = tuple(
            _text(self._ask(nvml.nvmlDeviceGetName, gpu)) or "NVIDIA GPU" for gpu in self._handles
        )
        self.driver = _text(self._ask(nvml.nvmlSystemGetDriverVersion))
        self._energy_j: dict[int, float] = {}
        self._closed = False

    @classmethod
    def open(cls) -> tuple[Self | None, str]:
        """Open NVML; where there is none, None and one plain sentence why.

        Returns
        -------
        tuple of NvmlProbe or None, str
            The sentence says what was found in both cases.
        """
        try:
            import pynvml
        except ImportError:
            return None, "No GPU figures: the package nvidia-ml-py is not installed."
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return None, f"No NVIDIA GPU or driver found: {error}."
        try:
            probe = cls(pynvml)
        except pynvml.NVMLError as error:
            pynvml.nvmlShutdown()
            return None, f"The NVIDIA driver gives no access to its GPUs: {error}."
        if not probe.gpus:
            probe.close()
            return None, "No NVIDIA GPU found: the driver lists none."
        driver = f", driver {probe.driver}" if probe.driver else ""
        return probe, f"NVML reads {', '.join(probe.gpus)}{driver}."

    def read(self) -> dict[int, dict[str, float]]:
        """GPU number → column → value, now; energy counts from the first reading on."""
        return {number: self._read(number, gpu) for number, gpu in enumerate(self._handles)}

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Do the same as `read`, off the event loop."""
        return await asyncio.to_thread(self.read)

    def close(self) -> None:
        """Let go of the library; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._ask(self._nvml.nvmlShutdown)

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
