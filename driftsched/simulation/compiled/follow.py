"""A compensator on a stream of lengths, without queues or engines."""

from __future__ import annotations

from math import inf

import numpy as np

from driftsched.core.arrays import Array, Floats
from driftsched.estimation.compensators import COMPENSATORS, CompensatorSpec
from driftsched.simulation.compiled.fields import compensation, parameters_of
from driftsched.simulation.compiled.jit import inlined, kernel
from driftsched.simulation.compiled.mechanisms import (
    RequestView,
    learn,
    levels,
    number_of,
    predict,
)

SEEN = np.dtype(
    [
        ("tenant", "i8"),
        ("category", "i8"),
        ("prompt_length", "i8"),
        ("base_tokens", "i8"),
        ("uncorrected_estimate", "f8"),
        ("length", "i8"),
    ],
    align=True,
)
"""What a compensator is shown of a request, and in the end its length."""


def follow(
    compensator: CompensatorSpec, rows: Array, categories: int, tenants: int, late: int
) -> Floats:
    """Bias at each request, shape (n,), in order of admission, by a registered compensator.

    A request's length is learnt just before the one that comes `late` after the next.
    """
    states = compensation(compensator.state, categories, tenants)
    bias = np.ones(len(rows))
    number, parameters = number_of(compensator, COMPENSATORS), parameters_of(compensator)
    _follow(number, parameters, states, rows, categories, late, bias)
    return bias


@kernel
def _follow(
    number: int,
    parameters: Array,
    states: Array,
    rows: Array,
    categories: int,
    late: int,
    bias: Array,
) -> None:
    p = parameters[0]
    for item in range(len(rows)):
        known = item - 1 - late
        if known >= 0:
            row, request = rows[known], _request(rows, bias, known)
            learnt = levels(states, row.tenant, row.category, categories)
            learn(number, learnt, request, row.length / row.base_tokens, p)
        row, request = rows[item], _request(rows, bias, item)
        asked = levels(states, row.tenant, row.category, categories)
        bias[item] = predict(number, asked, request, p)


@inlined
def _request(rows: Array, bias: Array, item: int) -> RequestView:
    row = rows[item]
    estimate = int(row.uncorrected_estimate * bias[item])
    length, prompt = row.length, row.prompt_length
    return RequestView(
        request_id=item,
        tenant=row.tenant,
        rank=0,
        predicted=row.category,
        arrival_s=float(item),
        prompt_tokens=prompt,
        output_tokens=length,
        max_output_tokens=length,
        prompt_length=prompt,
        output_length=length,
        base_tokens=row.base_tokens,
        uncorrected_estimate=row.uncorrected_estimate,
        cached_tokens=0,
        first_block=-1,
        ttft_slo_s=inf,
        e2e_slo_s=inf,
        weight=1.0,
        generated_tokens=0,
        preemptions=0,
        bias=bias[item],
        estimated_output_tokens=estimate,
        total_token_budget=prompt + estimate,
    )
