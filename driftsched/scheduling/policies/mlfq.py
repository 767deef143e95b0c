"""MLFQ: levels by what was served so far; nothing need be known of lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["MlfqConfig"]


class MlfqConfig(ScorePolicy):
    """Rule: lowest level first, oldest first inside; a running one gives way to a lower level.

    A request's level is how often its tokens so far, prompt and answer, go beyond a quantum that
    doubles: a long prompt skips levels (skip-join), and a long answer sinks. Who has been there for
    `promote_s` is at the top again. It needs no estimate. O(n) a choice.
    """

    label = "MLFQ"
    rule = "fewest tokens so far, in doubling steps; running ones give way"
    source = "FastServe (arXiv 2305.05920), skip-join multi-level feedback queue"
    preempts = True
    rescored = True

    kind: Literal["mlfq"] = "mlfq"
    quantum: float = Field(256.0, ge=1, le=1e6, description="tokens of the first level")
    promote_s: float = Field(60.0, gt=0, le=1e6, description="seconds after which it is at the top")

    @staticmethod
    def score(request: Request, p: MlfqConfig, now: float) -> float:
        if now - request.arrival_s >= p.promote_s:
            return 0.0
        return level_of(request.prompt_tokens + request.generated_tokens, p.quantum)


def level_of(tokens: int, quantum: float) -> float:
    """How often a quantum has to double until it holds so many tokens."""
    level = 0.0
    while quantum < tokens:
        quantum *= 2
        level += 1
    return level
