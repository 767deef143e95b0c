"""Goodput: keep as many objectives as can be kept, by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from driftsched.scheduling.policies.base import PlannedPolicy

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.server import Server

__all__ = ["GoodputConfig"]

ENDLESS_S = 1e12
MARGIN, SLACK = 0.95, 1.1
"""Of an objective, as much is planned with; an answer may take so much longer than estimated."""

SPAN, HURRY = 2.0, 60.0
"""Those for whom there is no time go by arrival, `SPAN` of their objectives later, and a second of
the server's work weighs as so many waited."""


class GoodputConfig(PlannedPolicy):
    """Rule: earliest deadline of all that can be kept; where not all can, the least worth waits.

    The deadlines are the tenant's objectives for the first token and for the whole answer, or its
    clients' timeouts where those are shorter. Where they cannot all be kept, who is worth least for
    the work it makes, weight / seconds, waits until there is time; on one server and with equal
    weights nobody keeps more of them (Moore & Hodgson). Those for whom there is no time come after
    all others, by arrival, objective and work, and one choice in `turns` is theirs all the same.
    O(log n) a choice, amortised.
    """

    label = "Goodput"
    rule = "earliest deadline of all that can be kept; the least worth for its work waits"
    source = "Moore (1968), with Hodgson's proof: fewest late jobs; turns of the late: ours"

    kind: Literal["goodput"] = "goodput"
    otherwise_s: float = Field(60.0, gt=0, le=1e6, description="seconds where a tenant has no SLO")
    turns: int = Field(
        20, ge=1, le=10**6, description="one choice in so many is for those without time"
    )

    @staticmethod
    def due_s(request: Request, server: Server, p: GoodputConfig) -> float:
        own_s, work_s = _own_s(request, server), _work_s(request, server)
        return _first_s(request, server, p, own_s) + work_s

    @staticmethod
    def work_s(request: Request, server: Server, p: GoodputConfig) -> float:
        return _work_s(request, server)

    @staticmethod
    def worth(request: Request, server: Server, p: GoodputConfig) -> float:
        return request.weight

    @staticmethod
    def later(request: Request, server: Server, p: GoodputConfig) -> float:
        wanted_s = request.e2e_slo_s if request.e2e_slo_s < ENDLESS_S else request.ttft_slo_s
        if wanted_s >= ENDLESS_S:
            wanted_s = p.otherwise_s
        return request.arrival_s + SPAN * wanted_s + HURRY * _work_s(request, server)

    @staticmethod
    def their_turn(choice: int, p: GoodputConfig) -> bool:
        return choice % p.turns == 0


def _own_s(request: Request, server: Server) -> float:
    """Seconds from its dispatch to its last token, as estimated."""
    decode_s = server.token_s * max(request.estimated_output_tokens, 1)
    return server.prompt_s * request.prompt_tokens + decode_s


def _work_s(request: Request, server: Server) -> float:
    """Seconds of the whole server: its prompt, then a seat or its part of the KV cache."""
    held = (request.prompt_tokens + request.estimated_output_tokens) / server.kv_tokens
    decode_s = server.token_s * max(request.estimated_output_tokens, 1)
    work_s = server.prompt_s * request.prompt_tokens + decode_s * max(1 / server.seats, held)
    return work_s / server.replicas


def _first_s(request: Request, server: Server, p: GoodputConfig, own_s: float) -> float:
    """When it must begin at the latest to keep its objectives."""
    ready_s = server.prompt_s * request.prompt_tokens + 2 * server.token_s
    wanted_s = min(
        MARGIN * request.ttft_slo_s - ready_s, MARGIN * request.e2e_slo_s - SLACK * own_s
    )
    return request.arrival_s + (wanted_s if wanted_s < ENDLESS_S else p.otherwise_s)
