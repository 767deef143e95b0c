"""A pynvml module with made-up GPUs: the border behind which there is no hardware in a test."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any


def fake_pynvml(
    gpus: int = 1, unsupported: tuple[str, ...] = (), refuses: str | None = None
) -> Any:
    """Functions of pynvml over `gpus` cards.

    Parameters
    ----------
    unsupported : tuple of str
        Functions that raise NVMLError_NotSupported.
    refuses : str, optional
        nvmlInit raises an NVMLError with these words.
    """
    nvml = ModuleType("pynvml")

    class NVMLError(Exception):
        pass

    class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818 - pynvml's own name
        pass

    state = {"energy_mj": 5_000_000, "open": 0}

    def init() -> None:
        if refuses:
            raise NVMLError(refuses)
        state["open"] += 1

    def shutdown() -> None:
        state["open"] -= 1

    def energy(gpu: int) -> int:
        state["energy_mj"] += 1_500
        return state["energy_mj"]

    functions: dict[str, Callable[..., Any]] = {
        "nvmlDeviceGetCount": lambda: gpus,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetName": lambda gpu: f"Fake L{gpu}".encode(),
        "nvmlSystemGetDriverVersion": lambda: "1.2.3",
        "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=75 + gpu, memory=40),
        "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(used=4_000_000_000, total=24e9),
        "nvmlDeviceGetPowerUsage": lambda gpu: 61_500,
        "nvmlDeviceGetTotalEnergyConsumption": energy,
        "nvmlDeviceGetTemperature": lambda gpu, sensor: 55,
        "nvmlDeviceGetClockInfo": lambda gpu, clock: {1: 1_900, 2: 6_250}[clock],
        "nvmlDeviceGetPerformanceState": lambda gpu: 0,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda gpu: 0x24,
    }

    def missing(*_: Any) -> Any:
        raise NVMLError_NotSupported("Not Supported")

    for name, function in functions.items():
        setattr(nvml, name, missing if name in unsupported else function)
    nvml.__dict__.update(
        NVMLError=NVMLError,
        NVMLError_NotSupported=NVMLError_NotSupported,
        NVML_TEMPERATURE_GPU=0,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        nvmlInit=init,
        nvmlShutdown=shutdown,
        state=state,
    )
    return nvml
