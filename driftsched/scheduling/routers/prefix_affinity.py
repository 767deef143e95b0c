"""Prefix affinity: prompts that begin alike have one home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from driftsched.scheduling.routers.base import RouterSpec

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.scheduling.routers.base import Choice, Offer

__all__ = ["PrefixAffinityConfig"]


class PrefixAffinityConfig(RouterSpec):
    """Rule: replica number = number of the prompt's first block modulo that of the replicas.

    Or the next on offer. What prompts share is then in the cache that they come to; it does not
    balance. Where first blocks are not known, requests take turns.
    """

    label = "Prefix affinity"
    rule = "prompts that begin alike have one home"
    source = "Preble, arXiv 2407.00023; SGLang's and llm-d's cache-aware routers"
    home = "prefix"

    kind: Literal["prefix_affinity"] = "prefix_affinity"

    @staticmethod
    def score(request: Request, replica: Offer, choice: Choice, p: PrefixAffinityConfig) -> float:
        home = request.first_block if request.first_block >= 0 else request.request_id
        return (replica.number - home) % choice.replicas
