"""The probes of this machine: its NVIDIA GPUs where there are any, and this process always."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from driftsched.live.telemetry_nvml import NvmlProbe
from driftsched.live.telemetry_process import ProcessProbe

if TYPE_CHECKING:
    from driftsched.live.engine import Probe

__all__ = ["MachineProbes"]


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
