"""FIFO: the globally oldest request first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["FifoConfig"]


class FifoConfig(ScorePolicy):
    """Rule: lowest arrival time first. O(log n); the paper's baseline, FCFS elsewhere."""

    label = "FIFO"
    rule = "first come, first served"
    source = "the baseline of DriftSched (arXiv 2606.02982)"

    kind: Literal["fifo"] = "fifo"

    @staticmethod
    def score(request: Request, p: FifoConfig, now: float) -> float:
        return request.arrival_s
