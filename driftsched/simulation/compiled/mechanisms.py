"""The mechanisms' own functions, compiled: those that Python calls, behind a switch each.

The kernel keeps a request in several arrays; `request_of` shows it to a mechanism as one record
with the names of `driftsched.scheduling.request.Request`. What a mechanism does not read is not
loaded, since everything here is compiled into the place that calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import Any, NamedTuple

from driftsched.core.arrays import Array
from driftsched.core.mechanism import Mechanism
from driftsched.estimation.compensators import COMPENSATORS, base
from driftsched.estimation.compensators.base import Levels
from driftsched.estimation.detectors import DETECTORS
from driftsched.estimation.predictors import refined
from driftsched.gateway import admission
from driftsched.scheduling.policies import POLICIES, PlannedPolicy, ScorePolicy, TenantPolicy
from driftsched.scheduling.routers import ROUTERS
from driftsched.serving import batching
from driftsched.simulation.compiled.fields import covered
from driftsched.simulation.compiled.jit import inlined, part, shared
from driftsched.simulation.compiled.state import KernelState

block_slot = shared(batching.block_slot)
blocks_for = shared(batching.blocks_for)
gang_starts = shared(batching.gang_starts)
iterations_lasting = shared(batching.iterations_lasting)
most_ahead = shared(batching.most_ahead)
new_block = shared(batching.new_block)
new_blocks = shared(batching.new_blocks)
piece_end = shared(batching.piece_end)
tokens_to_come = shared(batching.tokens_to_come)
whole_length_fits = shared(batching.whole_length_fits)
limit_of = shared(base.limit_of)
teaches = shared(base.teaches)
refined_length = shared(refined.refined_length)
does_not_fit = shared(admission.does_not_fit)
may_run = shared(admission.may_run)
refusal = shared(admission.refusal)


def number_of(spec: Mechanism, registry: Any, form: type[Any] = object) -> int:
    """Number of a mechanism behind its switch; -1 where it is not there."""
    kinds = [kind for kind in covered(registry) if issubclass(kind, form)]
    return kinds.index(type(spec)) if type(spec) in kinds else -1


def _switch(name: str, kinds: Sequence[type[Any]]) -> Callable[..., Any]:
    """One compiled function: ``_switch(number, …)`` calls the number-th mechanism's `name`."""
    first = shared(getattr(kinds[0], name))
    if len(kinds) == 1:

        def only(_: int, *arguments: Any) -> Any:
            return first(*arguments)

        return part(only)
    rest = _switch(name, kinds[1:])

    def chosen(number: int, *arguments: Any) -> Any:
        if number == 0:
            return first(*arguments)
        return rest(number - 1, *arguments)

    return part(chosen)


_SCORED = [kind for kind in covered(POLICIES) if issubclass(kind, ScorePolicy)]
_BY_TENANT = [kind for kind in covered(POLICIES) if issubclass(kind, TenantPolicy)]
_PLANNED = [kind for kind in covered(POLICIES) if issubclass(kind, PlannedPolicy)]
score = _switch("score", _SCORED)
due_s = _switch("due_s", _PLANNED)
work_s = _switch("work_s", _PLANNED)
worth = _switch("worth", _PLANNED)
later = _switch("later", _PLANNED)
their_turn = _switch("their_turn", _PLANNED)
tenant_score = _switch("score", _BY_TENANT)
lift = _switch("lift", _BY_TENANT)
charge = _switch("charge", _BY_TENANT)
generated = _switch("generated", _BY_TENANT)
predict = _switch("predict", covered(COMPENSATORS))
predict_mean = _switch("predict_mean", covered(COMPENSATORS))
learn = _switch("learn", covered(COMPENSATORS))
learn_mean = _switch("learn_mean", covered(COMPENSATORS))
update = _switch("update", covered(DETECTORS))
route_score = _switch("score", covered(ROUTERS))


@inlined
def levels(states: Array, tenant: int, category: int, categories: int) -> Levels:
    """The compensator's states that a request reads and teaches.

    Those of a tenant lie together: its own, then one a category; the first of all are everybody's,
    the last one is as they all begin.
    """
    first, place = (1 + tenant) * (1 + categories), 1 + category
    return Levels(states[0], states[place], states[first], states[first + place])


@inlined
def alarm(
    number: int, watched: Array, states: Array, categories: int, request: RequestView, p: Any
) -> bool:
    """Show a detector an answer; at its alarm the category is forgotten, by it too."""
    category = request.predicted
    error = log(request.output_length / max(request.estimated_output_tokens, 1))
    if not update(number, watched[category], error, p):
        return False
    watched[category] = watched[categories]
    for place in range(1 + category, len(states) - 1, 1 + categories):
        states[place] = states[len(states) - 1]
    return True


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
    first_block: int
    ttft_slo_s: float
    e2e_slo_s: float
    weight: float
    generated_tokens: int
    preemptions: int
    bias: float
    estimated_output_tokens: int
    estimated_mean_tokens: int
    revision_tokens: int
    total_token_budget: int


@inlined
def revision_of(w: KernelState, item: int) -> int:
    """By how much a request is taken to be longer than estimated, by what it has given."""
    run, record = w.run[0], w.requests[item]
    if run.every_tokens == 0 or not run.resumes:
        return 0
    estimate, length, tokens = w.estimate[item], record.output_length, record.output_tokens
    given = w.seats[item].given
    now = refined_length(estimate, length, tokens, given, run.every_tokens, run.kept)
    return int(now - estimate)


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
        w.cached[item].tokens if w.run[0].prefixes else 0,
        w.cached[item].first_block if w.run[0].prefixes else -1,
        w.tenants[record.tenant].ttft_slo_s,
        w.tenants[record.tenant].e2e_slo_s,
        w.tenants[record.tenant].weight,
        w.seats[item].given if w.run[0].resumes else 0,
        record.preemptions,
        w.bias[item],
        w.estimate[item],
        w.mean_estimate[item],
        revision_of(w, item),
        w.prompt_length[item] + w.estimate[item],
    )
