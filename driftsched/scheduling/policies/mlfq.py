"""MLFQ: levels by the service given so far; nothing need be known of lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["MlfqConfig"]


class MlfqConfig(ScorePolicy):
    """Rule: lowest level first, oldest first inside; a running request gives way to a lower level.

    A level is how often a quantum must double to hold the service given so far: an answer's tokens,
    and a prompt's at `prompt_share` each. So a long prompt skips levels (skip-join), and a long
    answer sinks; no estimate is asked. Who came `promote_s` ago is at the top again. FastServe
    looks after every token and keeps what was computed; here who has sunk gives way when next
    somebody comes or leaves, and computes it again. O(n) a choice.
    """

    label = "MLFQ"
    rule = "least service so far, in doubling steps; running ones give way"
    source = "FastServe (arXiv 2305.05920), skip-join multi-level feedback queue"
    preempts = True
    rescored = True

    kind: Literal["mlfq"] = "mlfq"
    quantum: float = Field(16.0, ge=1, le=1e6, description="output tokens of the first level")
    prompt_share: float = Field(
        0.01, ge=0, le=10, description="what a prompt's token counts, in output tokens"
    )
    promote_s: float = Field(60.0, gt=0, le=1e6, description="seconds after which it is at the top")

    @staticmethod
    def score(request: Request, p: MlfqConfig, now: float) -> float:
        if now - request.arrival_s >= p.promote_s:
            return 0.0
        served = request.generated_tokens + p.prompt_share * request.prompt_tokens
        return _level(served, p.quantum)


def _level(served: float, quantum: float) -> float:
    """How often a quantum must double to hold the service given."""
    level = 0.0
    while quantum < served:
        quantum *= 2
        level += 1
    return level
