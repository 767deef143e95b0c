"""No detector: nothing is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.estimation.detectors.base import DetectorSpec

if TYPE_CHECKING:
    from driftsched.core.mechanism import State

__all__ = ["NoDetectorConfig"]


class NoDetectorConfig(DetectorSpec):
    """No error is an alarm: a compensator follows drift at its own pace."""

    label = "None"
    rule = "nothing is watched"
    source = "the baseline"

    kind: Literal["none"] = "none"

    @staticmethod
    def update(state: State, error: float, p: NoDetectorConfig) -> bool:
        return False
