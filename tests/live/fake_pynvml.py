"""A pynvml module with made-up GPUs: the border behind which there is no hardware in a test."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """What every function of pynvml raises."""


class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818 - pynvml's own name
    """This GPU or driver does not have it."""


def _missing(*_: Any) -> Any:
    raise NVMLError_NotSupported("Not Supported")


class _Driver:
    """What the functions of one module count: who has it open, and the energy used."""

    def __init__(self, refuses: str | None) -> None:
        self.refuses, self.state = refuses, {"energy_mj": 5_000_000, "open": 0}

    def init(self) -> None:
        if self.refuses:
            raise NVMLError(self.refuses)
        self.state["open"] += 1

    def shutdown(self) -> None:
        self.state["open"] -= 1

    def energy(self, gpu: int) -> int:
        self.state["energy_mj"] += 1_500
        return self.state["energy_mj"]


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
    driver = _Driver(refuses)
    functions: dict[str, Callable[..., Any]] = {
        "nvmlDeviceGetCount": lambda: gpus,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetName": lambda gpu: f"Fake L{gpu}".encode(),
        "nvmlSystemGetDriverVersion": lambda: "1.2.3",
        "nvmlDeviceGetUtilizationRates": lambda gpu: SimpleNamespace(gpu=75 + gpu, memory=40),
        "nvmlDeviceGetMemoryInfo": lambda gpu: SimpleNamespace(used=4_000_000_000, total=24e9),
        "nvmlDeviceGetPowerUsage": lambda gpu: 61_500,
        "nvmlDeviceGetTotalEnergyConsumption": driver.energy,
        "nvmlDeviceGetTemperature": lambda gpu, sensor: 55,
        "nvmlDeviceGetClockInfo": lambda gpu, clock: {1: 1_900, 2: 6_250}[clock],
        "nvmlDeviceGetPerformanceState": lambda gpu: 0,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda gpu: 0x24,
    }
    nvml = ModuleType("pynvml")
    for name, function in functions.items():
        setattr(nvml, name, _missing if name in unsupported else function)
    nvml.__dict__.update(
        NVMLError=NVMLError,
        NVMLError_NotSupported=NVMLError_NotSupported,
        NVML_TEMPERATURE_GPU=0,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        nvmlInit=driver.init,
        nvmlShutdown=driver.shutdown,
        state=driver.state,
    )
    return nvml
