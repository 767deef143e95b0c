"""The mechanisms' own functions, compiled: those that Python calls, behind a switch each.

The kernel keeps a request in several arrays; `request_of` shows it to a mechanism as one record
with the names of `driftsched.scheduling.request.Request`. What a mechanism does not read is not
loaded, since everything here is compiled into the place that calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from driftsched.core.mechanism import Mechanism
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.compensators.base import Levels
from driftsched.gateway import admission
from driftsched.scheduling.policies import POLICIES, PlannedPolicy, ScorePolicy, TenantPolicy
from driftsched.scheduling.routers import ROUTERS, Choice, Offer
from driftsched.serving import batching
from driftsched.simulation.compiled.fields import covered
from driftsched.simulation.compiled.jit import inlined, part, shared
from driftsched.simulation.compiled.state import KernelState

__all__ = [
    "Choice",
    "Offer",
    "RequestView",
    "block_slot",
    "blocks_for",
    "charge",
    "does_not_fit",
    "due_s",
    "gang_starts",
    "generated",
    "iterations_lasting",
    "later",
    "learn",
    "levels",
    "lift",
    "may_run",
    "new_block",
    "new_blocks",
    "number_of",
    "overdue",
    "piece_end",
    "predict",
    "refusal",
    "request_of",
    "route_score",
    "score",
    "tenant_score",
    "their_turn",
    "whole_length_fits",
    "work_s",
    "worth",
]

block_slot = shared(batching.block_slot)
blocks_for = shared(batching.blocks_for)
gang_starts = shared(batching.gang_starts)
iterations_lasting = shared(batching.iterations_lasting)
new_block = shared(batching.new_block)
new_blocks = shared(batching.new_blocks)
piece_end = shared(batching.piece_end)
whole_length_fits = shared(batching.whole_length_fits)
does_not_fit = shared(admission.does_not_fit)
may_run = shared(admission.may_run)
refusal = shared(admission.refusal)


def number_of(spec: Mechanism, registry: Any, form: type[Any] = object) -> int:
    """Number of a mechanism behind its switch; -1 where it is not there."""
    kinds = [kind for kind in covered(registry) if issubclass(kind, form)]
    return kinds.index(type(spec)) if type(spec) in kinds else -1


def switch(name: str, kinds: Sequence[type[Any]]) -> Callable[..., Any]:
    """One compiled function: ``switch(number, …)`` calls the number-th mechanism's `name`."""
    first = shared(getattr(kinds[0], name))
    if len(kinds) == 1:

        def only(_: int, *arguments: Any) -> Any:
            return first(*arguments)

        return part(only)
    rest = switch(name, kinds[1:])

    def chosen(number: int, *arguments: Any) -> Any:
        if number == 0:
            return first(*arguments)
        return rest(number - 1, *arguments)

    return part(chosen)


_SCORED = [kind for kind in covered(POLICIES) if issubclass(kind, ScorePolicy)]
_BY_TENANT = [kind for kind in covered(POLICIES) if issubclass(kind, TenantPolicy)]
_PLANNED = [kind for kind in covered(POLICIES) if issubclass(kind, PlannedPolicy)]
score = switch("score", _SCORED)
due_s = switch("due_s", _PLANNED)
work_s = switch("work_s", _PLANNED)
worth = switch("worth", _PLANNED)
later = switch("later", _PLANNED)
their_turn = switch("their_turn", _PLANNED)
overdue = switch("overdue", _PLANNED)
tenant_score = switch("score", _BY_TENANT)
lift = switch("lift", _BY_TENANT)
charge = switch("charge", _BY_TENANT)
generated = switch("generated", _BY_TENANT)
predict = switch("predict", covered(COMPENSATORS))
learn = switch("learn", covered(COMPENSATORS))
route_score = switch("score", covered(ROUTERS))


@inlined
def levels(states: NDArray[Any], tenant: int, category: int, categories: int) -> Levels:
    """The compensator's states that a request reads and teaches.

    Those of a tenant lie together: its own, then one a category; the first of all are everybody's.
    """
    first, place = (1 + tenant) * (1 + categories), 1 + category
    return Levels(states[0], states[place], states[first], states[first + place])


class RequestView(NamedTuple):
    """A request as mechanisms see it; see `driftsched.scheduling.request.Request`."""

    request_id: int
    tenant: int
    rank: int
    predicted: int
    arrival_s: float
    prompt_tokens: int
    output_tokens: int
    max_output_tokens: int
    prompt_length: int
    output_length: int
    base_tokens: int
    uncorrected_estimate: float
    cached_tokens: int
    ttft_slo_s: float
    e2e_slo_s: float
    weight: float
    generated_tokens: int
    preemptions: int
    bias: float
    estimated_output_tokens: int
    total_token_budget: int


@inlined
def request_of(w: KernelState, item: int) -> RequestView:
    """Show a request to a mechanism."""
    record = w.requests[item]
    return RequestView(
        item,
        record.tenant,
        w.tenants[record.tenant].rank,
        record.predicted,
        w.arrival_s[item],
        record.prompt_tokens,
        record.output_tokens,
        record.max_output_tokens,
        w.prompt_length[item],
        record.output_length,
        record.base_tokens,
        w.uncorrected_estimate[item],
        w.cached[item] if w.run[0].prefixes else 0,
        w.tenants[record.tenant].ttft_slo_s,
        w.tenants[record.tenant].e2e_slo_s,
        w.tenants[record.tenant].weight,
        w.seats[item].given if w.run[0].resumes else 0,
        record.preemptions,
        w.bias[item],
        w.estimate[item],
        w.prompt_length[item] + w.estimate[item],
    )
