"""EDF: the earliest deadline first, and who has missed it last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import ScorePolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["EdfConfig"]

RELEGATED = 1e12


class EdfConfig(ScorePolicy):
    """Rule: earliest deadline first; whoever has missed it goes after all others, oldest first.

    The deadline is the tenant's objective for the first token, else for the whole answer. Where all
    deadlines can be met by one server, they are met (Jackson); under overload relegation keeps one
    miss from becoming everybody's. All who wait are scored at each choice, O(n).
    """

    label = "EDF"
    rule = "earliest deadline; who has missed it goes last"
    source = "Jackson (1955); Liu & Layland (1973); relegation as in QLM (arXiv 2407.00047)"
    rescored = True

    kind: Literal["edf"] = "edf"
    otherwise_s: float = Field(60.0, gt=0, le=1e6, description="seconds where a tenant has no SLO")

    @staticmethod
    def score(request: Request, p: EdfConfig, now: float) -> float:
        wanted_s = request.ttft_slo_s if request.ttft_slo_s < RELEGATED else request.e2e_slo_s
        deadline = request.arrival_s + (wanted_s if wanted_s < RELEGATED else p.otherwise_s)
        return deadline if now <= deadline else RELEGATED + request.arrival_s
