"""Columns → records and back, in one pass each."""

from __future__ import annotations

from math import nan
from typing import Any

from numpy.typing import NDArray

from driftsched.simulation.compiled.jit import kernel

Array = NDArray[Any]


@kernel
def fill_requests(
    requests: Array,
    prompt_tokens: Array,
    output_tokens: Array,
    max_output_tokens: Array,
    tenant: Array,
    predicted: Array,
    output_length: Array,
    base_tokens: Array,
) -> None:
    """Write the records of requests that have not arrived."""
    for item in range(len(requests)):
        request = requests[item]
        request.dispatch_s = nan
        request.first_token_s = nan
        request.finish_s = nan
        request.prompt_tokens = prompt_tokens[item]
        request.output_tokens = output_tokens[item]
        request.max_output_tokens = max_output_tokens[item]
        request.output_length = output_length[item]
        request.base_tokens = base_tokens[item]
        request.batch_id = -1
        request.tenant = tenant[item]
        request.predicted = predicted[item]
        request.preemptions = 0
        request.replica = -1
        request.end = 0
        request.place = 0
        request.late = False
        request.attempt = 1


@kernel
def read_requests(
    requests: Array,
    dispatch_s: Array,
    first_token_s: Array,
    finish_s: Array,
    preemptions: Array,
    replica: Array,
    batch_id: Array,
    end: Array,
) -> None:
    """Copy what the run wrote into columns."""
    for item in range(len(requests)):
        request = requests[item]
        dispatch_s[item] = request.dispatch_s
        first_token_s[item] = request.first_token_s
        finish_s[item] = request.finish_s
        preemptions[item] = request.preemptions
        replica[item] = request.replica
        batch_id[item] = request.batch_id
        end[item] = request.end
