"""The state of a run as arrays: what the kernel reads and writes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from driftsched.simulation.compiled.fields import QUEUE_STATE, TENANT_STATE

__all__ = [
    "BLOCKED",
    "BY_TENANT",
    "CONTINUOUS",
    "GANG",
    "HELD",
    "HUNG_UP",
    "ID_BITS",
    "NOT_FINISHED",
    "NO_FIRST_TOKEN",
    "QUEUE",
    "QUEUED",
    "REPLICA",
    "REQUEST",
    "RESCORED",
    "RUN",
    "SCORED",
    "TENANT",
    "TENANT_QUEUE",
    "Costs",
    "KernelState",
]

GANG, CONTINUOUS = 0, 1
"""Ways of batching."""

SCORED, RESCORED, BY_TENANT = 0, 1, 2
"""Ways of choosing: least score first, scored once or at each choice; or the tenant's least."""

QUEUED, HELD, BLOCKED = 0, 1, 2
"""Places of a request: with the policy or running, held by a limit, blocked at a replica."""

NO_FIRST_TOKEN, HUNG_UP, NOT_FINISHED = range(4, 7)
"""Bad ends of a request that was given up; those of admission are 1 to 3."""

ID_BITS = 25
"""An iteration and a request make one whole number: the id in these bits, the iteration above."""

REQUEST = np.dtype(
    [
        ("dispatch_s", "f8"),
        ("first_token_s", "f8"),
        ("finish_s", "f8"),
        ("prompt_tokens", "i4"),
        ("output_tokens", "i4"),
        ("max_output_tokens", "i4"),
        ("output_length", "i4"),
        ("base_tokens", "i4"),
        ("batch_id", "i4"),
        ("tenant", "i2"),
        ("predicted", "i2"),
        ("preemptions", "i4"),
        ("replica", "i2"),
        ("end", "i1"),  # why it ends badly, 0 while it does not
        ("place", "i1"),
        ("late", "b1"),  # whether its first token was in time and the last one is waited for
        ("attempt", "i1"),  # which try it is, from 1
    ],
    align=True,
)
"""A request from its dispatch on: 64 bytes, a line of the processor's cache."""

RUN = np.dtype(
    [
        ("cursor", "i8"),  # next request to arrive
        ("stop", "i8"),  # end of the requests whose arrival time is known
        ("pause_at", "i8"),  # come back to Python when the cursor is there
        ("now", "f8"),
        ("mode", "i8"),
        ("batch_size", "i8"),
        ("batch_wait_s", "f8"),
        ("capacity", "i8"),  # of a request that is not rejected
        ("least_capacity", "i8"),  # of a request that fits everywhere
        ("choice", "i8"),
        ("policy", "i8"),
        ("rescored", "b1"),  # whether all tenants are scored at each choice
        ("counts_tokens", "b1"),  # whether the policy counts tokens as they are given
        ("limited", "b1"),
        ("routed", "b1"),
        ("peers", "b1"),  # whether a request's end can give room to another replica
        ("router", "i8"),
        ("routes", "i8"),  # requests routed so far
        ("last_route", "i8"),
        ("compensator", "i8"),
        ("per", "i8"),  # what has a state of the compensator's own
        ("categories", "i8"),
        ("waiting", "i8"),
        ("making", "b1"),  # whether requests are made as the run goes
        ("planned", "i8"),  # where the rows of the workload begin, as plans of requests
        ("made", "i8"),  # requests made of them
        ("retries", "i8"),  # to come
        ("retry_s", "f8"),  # the first of them; inf is none
        ("closed", "b1"),  # whether some users ask again after an answer
        ("thoughts", "i8"),  # of users, under way
        ("thought_s", "f8"),  # when the first of them ends; inf is none
        ("count_from", "i8"),  # rows from here on count,
        ("to_make", "i8"),  # so many of them being left until the next phase
        ("patient", "b1"),  # whether some clients give up
        ("due", "i8"),  # how many deadlines are kept
        ("due_s", "f8"),  # the first of them; inf is none
        ("most_tokens", "i8"),  # in an iteration
        ("chunked", "b1"),
        ("prefixes", "b1"),  # whether some prompts begin in the prefix cache
        ("paged", "b1"),
        ("block_tokens", "i8"),
        ("by_rank", "b1"),  # who gives way: the policy's last, or the last admitted
        ("finished", "i8"),
        ("logged", "i8"),
    ],
    align=True,
)
"""One a run: settings, clock, counters."""

REPLICA = np.dtype(
    [
        ("start_s", "f8"),  # of the stretch under way
        ("deadline_s", "f8"),  # of the gang being formed
        ("iteration", "i8"),
        ("steps", "i8"),  # iterations of the stretch under way
        ("counted", "i8"),  # those whose tokens the policy knows of
        ("kv", "i8"),
        ("grown", "i8"),  # tokens of KV just before what ended at this boundary left
        ("reserved", "i8"),
        ("capacity", "i8"),
        ("batches", "i8"),
        ("blocked", "i8"),  # chosen or preempted, wait for room; the last comes first
        ("chunks", "i8"),  # pieces of prompts in the iteration under way
        ("partial", "i8"),  # whose prompt is computed in part; -1 is none
        ("partial_end", "i8"),
        ("decoding", "i8"),
        ("free", "i8"),  # blocks
        ("first_seat", "i8"),  # decoding requests in order of admission; -1 is none
        ("last_seat", "i8"),
        ("sent", "i8"),  # requests it was sent and has not ended
        ("sent_tokens", "i8"),
        ("gone", "i8"),  # requests that run and were given up
        ("queue", "i8"),
        ("cost", "i8"),
        ("busy", "b1"),
        ("open", "b1"),  # whether an arrival would cut the stretch under way
    ],
    align=True,
)
"""One a replica."""

TENANT = np.dtype(
    [
        ("waiting_limit", "i8"),  # -1 is unlimited, as below
        ("running_limit", "i8"),
        ("rank", "i8"),
        ("rate_rps", "f8"),
        ("burst", "f8"),
        ("waiting", "i8"),
        ("running", "i8"),
        ("credit", "f8"),
        ("credited_s", "f8"),
        ("first_token_timeout_s", "f8"),  # inf is none, as below
        ("timeout_s", "f8"),
        ("attempts", "i8"),
        ("retry_after", "i8"),  # a bit an end after which clients try again
        ("jitter", "f8"),
    ],
    align=True,
)
"""One a tenant: rank, limits and how far they are used, timeouts, retries."""

QUEUE = np.dtype(
    [
        ("size", "i8"),  # with the policy; unless `BY_TENANT` also those who have left
        ("waiting", "i8"),  # those and the held ones
        ("last", "i8"),  # the tenant of whom nobody waits since last
        ("tenants", "i8"),
        ("least", "f8"),
        *QUEUE_STATE,
    ],
    align=True,
)
"""One a queue, with what the policies keep of it."""

TENANT_QUEUE = np.dtype(
    [
        ("head", "i8"),  # first and last request, where the policy is `BY_TENANT`
        ("tail", "i8"),
        ("size", "i8"),  # between them, without those who have left
        ("held_first", "i8"),  # where the heap of the held requests begins
        ("held", "i8"),
        ("number", "i8"),
        ("weight", "f8"),
        ("rank", "i8"),
        *TENANT_STATE,
    ],
    align=True,
)
"""One a tenant and queue, with what the policies keep of a tenant."""


class Costs(NamedTuple):
    """What an iteration costs on each kind of replica, of which there are k.

    Attributes
    ----------
    coefficients : array, shape (k, 11)
        See `driftsched.serving.iteration.COEFFICIENTS`.
    decode_s : array, shape (k, batch size + 1)
        Seconds of a decode iteration of so many requests, without reading the KV cache.
    rows : int array, shape (k, 2)
        Rows of the measured curves by tokens and by KV tokens; 0 is none.
    knots, values, slopes : arrays, shape (k, 2, rows)
        The curves.
    """

    coefficients: NDArray[Any]
    decode_s: NDArray[Any]
    rows: NDArray[Any]
    knots: NDArray[Any]
    values: NDArray[Any]
    slopes: NDArray[Any]


class KernelState(NamedTuple):
    """Everything a run needs; arrays of n are by request id.

    Where clients try again, ids are given as requests are made: n is the most there can be, and
    behind them, from `planned` on, lie the workload's rows, whose arrays are copied from there.

    Read: arrival_s, uncorrected_estimate, prompt_length, draws (the router's, two a request
    routed), costs, the mechanisms' parameters, patience_s (n, or none: until the first token),
    pauses_s (a row a tenant: before the second try, the third, …, without jitter), phase_first
    (first row of each phase), phase_last_s (until when its users ask), entropy (of the jitter); of
    a row, think_s, following (the same user's next row) and next_open (next row in no closed loop).
    Written: rows and retry_of (n: row of the workload, and the try before), bias, estimate,
    learned_id and learned_bias (in order of finishing), the log (a row a change of a replica).
    The rest is state; see the record types. heap_* and held_* have a row a queue; behind links the
    requests of a tenant's queue; tenant_score and tenant_winners (a row a queue) are a tournament
    of the tenants of whom requests wait; deadline_* is a heap of times at which clients look at
    their requests, retry_* one of retries to come, by the try before, thought_* one of users' next
    rows; pool is room for `chance`; wake_s says when each replica wakes, and winners is a
    tournament over it. decoding, gone, blocked and the pieces of prompts (chunk: whose; from, to)
    have a row a replica.
    Where KV cache is paged, slots counts a replica's decoding requests by the iteration in which
    they need a block, base, ahead and after (n) say what a decoding request holds and who was
    admitted before and after it, given (n) what it had given when it was preempted, and served (n)
    in which iteration it last got a block by preemption. cached (n) is the prompt's part in the
    prefix cache.
    """

    run: NDArray[Any]
    replicas: NDArray[Any]
    queues: NDArray[Any]
    tenants: NDArray[Any]
    tenant_queues: NDArray[Any]
    wake_s: NDArray[Any]
    winners: NDArray[Any]
    costs: Costs
    draws: NDArray[Any]
    requests: NDArray[Any]
    arrival_s: NDArray[Any]
    uncorrected_estimate: NDArray[Any]
    prompt_length: NDArray[Any]
    bias: NDArray[Any]
    estimate: NDArray[Any]
    patience_s: NDArray[Any]
    deadline_s: NDArray[Any]
    deadline_ids: NDArray[Any]
    rows: NDArray[Any]
    retry_of: NDArray[Any]
    retry_s: NDArray[Any]
    retry_ids: NDArray[Any]
    pauses_s: NDArray[Any]
    thought_s: NDArray[Any]
    thought_rows: NDArray[Any]
    think_s: NDArray[Any]
    following: NDArray[Any]
    next_open: NDArray[Any]
    phase_last_s: NDArray[Any]
    phase_first: NDArray[Any]
    entropy: NDArray[Any]
    pool: NDArray[Any]
    heap_keys: NDArray[Any]
    heap_ids: NDArray[Any]
    held_keys: NDArray[Any]
    held_ids: NDArray[Any]
    behind: NDArray[Any]
    tenant_score: NDArray[Any]
    tenant_winners: NDArray[Any]
    decoding: NDArray[Any]
    gone: NDArray[Any]
    blocked: NDArray[Any]
    chunk: NDArray[Any]
    chunk_from: NDArray[Any]
    chunk_to: NDArray[Any]
    slots: NDArray[Any]
    seated: NDArray[Any]
    base: NDArray[Any]
    ahead: NDArray[Any]
    after: NDArray[Any]
    given: NDArray[Any]
    served: NDArray[Any]
    cached: NDArray[Any]
    learned_id: NDArray[Any]
    learned_bias: NDArray[Any]
    compensation: NDArray[Any]
    policy_parameters: NDArray[Any]
    compensator_parameters: NDArray[Any]
    router_parameters: NDArray[Any]
    log_time_s: NDArray[Any]
    log_running: NDArray[Any]
    log_kv: NDArray[Any]
    log_grown: NDArray[Any]
    log_replica: NDArray[Any]
