"""Parameters of the in-process torch engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.live.spec import EngineSpec

if TYPE_CHECKING:
    from driftsched.live.engine import Engine

__all__ = ["TorchOptions"]


class TorchOptions(EngineSpec):
    """A model in this process, on GPU or CPU."""

    kind: Literal["torch"] = "torch"

    def build(self) -> Engine:
        from driftsched.live.torch_engine import TorchEngine

        return TorchEngine(self)
