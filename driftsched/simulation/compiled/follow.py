"""A compensator on a stream of lengths, without queues or engines."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from driftsched.core.arrays import Array, Bools, Floats
from driftsched.estimation.compensators import COMPENSATORS, CompensatorSpec
from driftsched.estimation.compensators.base import ENDLESS
from driftsched.estimation.detectors import DETECTORS, DetectorSpec
from driftsched.simulation.compiled.fields import compensation, detection, parameters_of
from driftsched.simulation.compiled.jit import inlined, kernel
from driftsched.simulation.compiled.mechanisms import (
    RequestView,
    alarm,
    learn,
    learn_mean,
    levels,
    number_of,
    predict,
    predict_mean,
    teaches,
)

SEEN = np.dtype(
    [
        ("tenant", "i8"),
        ("category", "i8"),
        ("prompt_length", "i8"),
        ("base_tokens", "i8"),
        ("uncorrected_estimate", "f8"),
        ("length", "i8"),
        ("most", "i8"),
    ],
    align=True,
)
"""What a compensator is shown of a request, and in the end its length, `most` at most."""

SAID = np.dtype([("bias", "f8"), ("mean_bias", "f8"), ("alarm", "b1")], align=True)
"""What it says of it, and whether a detector gave an alarm just before."""


class Followed(NamedTuple):
    """Arrays (n,) in order of admission: the biases of typical and mean length, and alarms."""

    bias: Floats
    mean_bias: Floats
    alarm: Bools


def follow(
    compensator: CompensatorSpec,
    detector: DetectorSpec,
    rows: Array,
    categories: int,
    tenants: int,
    late: int,
    censoring: bool = False,
) -> Followed:
    """Have a registered compensator, under a detector, follow requests (n,) of `SEEN`.

    A request's length is learnt just before the one that comes `late` after the next; see
    `Compensator` for `censoring`.
    """
    states = compensation(compensator.state, categories, tenants)
    watched, said = detection(detector.state, categories), np.zeros(len(rows), SAID)
    kinds = number_of(compensator, COMPENSATORS), number_of(detector, DETECTORS)
    parameters = np.concatenate([parameters_of(compensator), parameters_of(detector)])
    _follow(*kinds, parameters, states, watched, rows, categories, late, censoring, said)
    return Followed(said["bias"], said["mean_bias"], said["alarm"])


@kernel
def _follow(
    compensator: int,
    detector: int,
    parameters: Array,
    states: Array,
    watched: Array,
    rows: Array,
    categories: int,
    late: int,
    censoring: bool,
    said: Array,
) -> None:
    p, watching = parameters[0], parameters[1]
    for item in range(len(rows)):
        known = item - 1 - late
        if known >= 0:
            row, request = rows[known], _request(rows, said, known, censoring)
            said[item].alarm = alarm(detector, watched, states, categories, request, watching)
            learnt = levels(states, row.tenant, row.category, categories)
            if teaches(request, censoring):
                ratio = row.length / row.base_tokens
                learn_mean(compensator, learnt, request, ratio, p)
                learn(compensator, learnt, request, ratio, p)
        row = rows[item]
        asked = levels(states, row.tenant, row.category, categories)
        request = _request(rows, said, item, censoring)
        said[item].bias = predict(compensator, asked, request, p)
        request = _request(rows, said, item, censoring)
        said[item].mean_bias = predict_mean(compensator, asked, request, p)


@inlined
def _request(rows: Array, said: Array, item: int, censoring: bool) -> RequestView:
    row, bias = rows[item], said[item].bias
    limit = row.most if censoring else ENDLESS
    estimate = min(int(row.uncorrected_estimate * bias), limit)
    length, prompt = row.length, row.prompt_length
    return RequestView(
        request_id=item,
        tenant=row.tenant,
        rank=0,
        predicted=row.category,
        arrival_s=float(item),
        prompt_tokens=prompt,
        output_tokens=length,
        max_output_tokens=row.most,
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
        bias=bias,
        estimated_output_tokens=estimate,
        estimated_mean_tokens=min(int(row.uncorrected_estimate * said[item].mean_bias), limit),
        revision_tokens=0,
        total_token_budget=prompt + estimate,
    )
