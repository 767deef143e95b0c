"""Telemetry: what NVML and the process say, as columns of the gpus table."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

import numpy as np
import pytest

from driftsched.live.telemetry import FIGURES, NvmlProbe, ProcessProbe
from driftsched.results import paper_telemetry
from driftsched.results.gpu_samples import GPU_COLUMNS, measured_gpu_table
from driftsched.simulation import simulate
from tests.live.fake_pynvml import fake_pynvml
from tests.support.scenarios import small


def opened(monkeypatch: pytest.MonkeyPatch, nvml: object) -> NvmlProbe:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return NvmlProbe()


def row(time_s: float, figures: Mapping[str, float]) -> dict[str, float]:
    return {"time_s": time_s, "replica": 0, **figures}


def test_every_figure_of_every_gpu_in_the_tables_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else power would be in milliwatts, or a second GPU would be missing."""
    nvml = fake_pynvml(gpus=2)
    probe = opened(monkeypatch, nvml)
    assert probe.said == "NVML reads Fake L0, Fake L1, driver 1.2.3."
    first, second = asyncio.run(probe.sample()), probe.read()
    assert first[0] == {
        "busy": 0.75,
        "memory_busy": 0.4,
        "memory_used_mb": 4000,
        "memory_total_mb": 24_000,
        "power_w": 61.5,
        "energy_j": 0,
        "temperature_c": 55,
        "sm_clock_mhz": 1900,
        "memory_clock_mhz": 6250,
        "pstate": 0,
        "throttle_reasons": 0x24,
    }
    assert first[1]["busy"] == 0.76
    assert second[0]["energy_j"] == pytest.approx(3.0), "energy counts from the first reading"
    probe.close()
    probe.close()
    assert nvml.state["open"] == 0, "the library was left open, or closed twice"


@pytest.mark.parametrize(
    ("function", "lost"),
    [
        ("nvmlDeviceGetPowerUsage", {"power_w"}),
        ("nvmlDeviceGetTotalEnergyConsumption", {"energy_j"}),
        ("nvmlDeviceGetClockInfo", {"sm_clock_mhz", "memory_clock_mhz"}),
        ("nvmlDeviceGetUtilizationRates", {"busy", "memory_busy"}),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", {"throttle_reasons"}),
    ],
)
def test_a_figure_that_is_not_supported_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch, function: str, lost: set[str]
) -> None:
    """Else one gap of a virtual machine would empty the telemetry, or be filled with zeros."""
    probe = opened(monkeypatch, fake_pynvml(unsupported=(function,)))
    table = measured_gpu_table([row(0.0, probe.read()[0]), row(0.2, probe.read()[0])])
    assert set(FIGURES) - set(table.columns[table.notna().all()]) == lost
    assert table[sorted(lost)].isna().all(axis=None)


def test_without_gpu_or_driver_the_reason_is_said() -> None:
    """Else a user of a machine without GPU would see an empty chart and not know why."""
    pynvml = pytest.importorskip("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        probe = NvmlProbe()
        assert (probe.gpus, probe.read()) == ((), {})
        assert probe.said.startswith("No NVIDIA GPU or driver found: ")
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has an NVIDIA driver")


def test_a_driver_without_cards_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a container that hides its GPUs would get a telemetry of nothing."""
    nvml = fake_pynvml(gpus=0)
    probe = opened(monkeypatch, nvml)
    assert (probe.read(), probe.said) == ({}, "No NVIDIA GPU found: the driver lists none.")
    assert nvml.state["open"] == 0
    refused = opened(monkeypatch, fake_pynvml(refuses="Driver Not Loaded"))
    assert refused.read() == {}
    assert refused.said == "No NVIDIA GPU or driver found: Driver Not Loaded."


def test_process_figures_are_real() -> None:
    """Else busy loops would not show, or memory would be in other units."""
    probe = ProcessProbe()
    total = sum(number * number for number in range(2_000_000))
    assert total > 0
    figures = asyncio.run(probe.sample())[0]
    assert 0.05 < figures["process_cpu"] < 64
    assert 10 < figures["process_memory_mb"] < 1e6


def test_simulated_and_measured_tables_have_the_same_columns() -> None:
    """Else a chart or an export would work for one world only."""
    simulated = simulate(small()).gpus
    measured = measured_gpu_table([row(0.1, {"busy": 0.5, "waiting": 3.0})])
    assert tuple(simulated.columns) == GPU_COLUMNS
    assert tuple(measured.columns) == (*GPU_COLUMNS, "waiting")
    assert tuple(measured_gpu_table([]).columns) == GPU_COLUMNS
    steps = np.diff(simulated["energy_j"]) / np.diff(simulated["time_s"])
    np.testing.assert_allclose(steps, simulated["power_w"][1:])


def test_papers_telemetry_of_a_live_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an export would show a GPU that was never measured, or leave measured figures out."""
    probe = opened(monkeypatch, fake_pynvml())
    run = simulate(small())
    measured = measured_gpu_table([row(0.2 * step, probe.read()[0]) for step in range(5)])
    table = paper_telemetry(type(run)(**vars(run) | {"gpus": measured}))
    assert table.notna().all(axis=None)
    assert table["memory_utilization"].tolist() == pytest.approx([40] * 5)
    no_gpu = measured_gpu_table([row(0.2 * step, {"process_cpu": 1.0}) for step in range(5)])
    assert paper_telemetry(type(run)(**vars(run) | {"gpus": no_gpu})).empty
