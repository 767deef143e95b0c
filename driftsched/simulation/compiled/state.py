"""The state of a run as arrays: what the kernel reads and writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from driftsched.core.arrays import Array
from driftsched.scheduling.server import Server
from driftsched.simulation.compiled.fields import QUEUE_STATE, TENANT_STATE

GANG, CONTINUOUS = 0, 1
"""Ways of batching."""

SCORED, RESCORED, BY_TENANT, PLANNED = range(4)
"""Ways of choosing: least score first, scored once, at each choice, by a plan; a tenant's least."""

QUEUED, HELD, BLOCKED, RUNNING = range(4)
"""Places of a request: with the policy, held by a limit, blocked at a replica, running."""

NO_FIRST_TOKEN, HUNG_UP, NOT_FINISHED = range(5, 8)
"""Bad ends of a request that was given up; those of admission are 1 to 4."""

ID_BITS = 25
"""An iteration and a request make one whole number: the id in these bits, the iteration above."""

ID_MASK = (1 << ID_BITS) - 1

POLICY, COMPENSATOR, DETECTOR, ROUTER = range(4)
"""Whose parameters."""

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

CACHED = np.dtype([("tokens", "i8"), ("first_block", "i8")])
"""Tokens of a prompt that are in the prefix cache; what it shares with others that begin alike."""

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
        ("context", "i8"),  # tokens of the longest prompt with an answer
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
        ("detector", "i8"),
        ("watched", "b1"),  # whether there is one
        ("censoring", "b1"),  # whether cut answers are known as such
        ("every_tokens", "i8"),  # between two looks at an answer under way; 0 is never
        ("kept", "f8"),  # of the error, at each of them
        ("means", "b1"),  # whether mean lengths are read, and not the typical ones
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
        ("preempts", "b1"),  # whether a running request gives way to one that scores lower
        ("resumes", "b1"),  # whether a request may be interrupted and go on later
        ("block_tokens", "i8"),
        ("by_rank", "b1"),  # who gives way: the last of the lowest tier, or the last admitted
        ("looks_ahead", "b1"),  # whether who joins must find room for all that is to come
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
        ("batches", "i8"),
        ("blocked", "i8"),  # chosen or preempted, wait for room; the last comes first
        ("chunks", "i8"),  # pieces of prompts in the iteration under way
        ("partial", "i8"),  # whose prompt is computed in part; -1 is none
        ("partial_end", "i8"),
        ("decoding", "i8"),
        ("free", "i8"),  # blocks
        ("first_seat", "i8"),  # decoding requests in order of admission; -1 is none
        ("last_seat", "i8"),
        ("capacity", "i8"),
        ("sent", "i8"),  # requests it was sent and has not ended
        ("sent_tokens", "i8"),
        ("gone", "i8"),  # requests that run and were given up
        ("queue", "i8"),
        ("cost", "i8"),
        ("busy", "b1"),
        ("open", "b1"),  # whether an arrival would cut the stretch under way
        ("crowded", "b1"),  # whether nobody joins until somebody has left
    ],
    align=True,
)
"""One a replica."""

TENANT = np.dtype(
    [
        ("waiting_limit", "i8"),  # -1 is unlimited, as below
        ("running_limit", "i8"),
        ("rank", "i8"),
        ("ttft_slo_s", "f8"),
        ("e2e_slo_s", "f8"),
        ("weight", "f8"),
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
        ("listed", "i8"),  # tenants of whom requests wait, and some of whom none does any more
        ("least", "f8"),
        ("planned", "i8"),  # who waits where there is a plan, without those who have left,
        ("fresh", "i8"),  # and who came after it
        ("choices", "i8"),
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
        ("listed", "b1"),
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


SEAT = np.dtype(
    [
        ("base", "i8"),  # tokens held, less the iterations it has decoded
        ("served", "i8"),  # iteration in which it last got a block by preemption
        ("ahead", "i4"),  # who was admitted before and after it, of those who decode; -1 is none
        ("after", "i4"),
        ("given", "i4"),  # tokens it had given when it was preempted
        ("taken", "b1"),  # whether it decodes
    ],
    align=True,
)
"""One a request, where requests may be interrupted; all but `given` where KV cache is paged."""
CHANCE = np.dtype(
    [
        ("work_s", "f8"),
        ("due_s", "f8"),
        ("worth", "f8"),
        ("put_off", "f8"),  # score of one that a plan puts off
    ]
)
"""One a request, where the policy plans; see `PlannedPolicy`."""

SERVER = np.dtype([(name, "f8") for name in Server._fields])
"""What serves a queue; see `driftsched.scheduling.server.Server`."""

PIECE = np.dtype([("start", "i8"), ("end", "i8"), ("item", "i8")])
"""Tokens `start` to `end` (exclusive) of a request's prompt, in an iteration."""

CURVE_ROW = np.dtype([("knot", "i8"), ("value", "f8"), ("slope", "f8")])
"""One a row of a measured curve."""

MADE = np.dtype([("row", "i4"), ("former", "i4")])
"""One a request made as the run goes: row of the workload, and the try before, -1 if none."""

LOOP = np.dtype([("think_s", "f8"), ("following", "i4"), ("next_open", "i4")])
"""One a row, in closed loops: the same user's next row, -1 if none; the next row in no loop."""

PHASE = np.dtype([("first", "i8"), ("last_s", "f8")])
"""One a phase: its first row, and until when its users ask."""

LOG = np.dtype(
    [
        ("time_s", "f8"),
        ("running", "i4"),
        ("kv", "i4"),
        ("grown", "i4"),  # tokens of KV just before what ended left
        ("replica", "i4"),
    ]
)
"""One a change of a replica."""

LEARNED = np.dtype([("bias", "f8"), ("item", "i4")])
"""One a request finished, in that order: what was learnt from it."""


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
    curves : array of `CURVE_ROW`, shape (k, 2, rows)
        The curves.
    """

    coefficients: Array
    decode_s: Array
    rows: Array
    curves: Array


class KernelState(NamedTuple):
    """Everything a run needs, in as few arrays as may be: each is handed from part to part.

    Arrays of n are by request id. Where clients try again, ids are given as requests are made: n is
    the most there can be, and behind them, from `planned` on, lie the workload's rows, whose arrays
    are copied from there. Records are described at their types.

    Read: arrival_s, uncorrected_estimate, prompt_length, draws (the router's, a row a request
    routed), costs, parameters (of the policy, the compensator, the
    detector, the router), patience_s (n, or none:
    until the first token), pauses_s (a row a tenant: before the second try, the third, …, without
    jitter), phases, loops, entropy (of the jitter), cached (n, or none where prompts share
    nothing), server (one record).
    Written: made (n), bias, estimate, mean_estimate (the same array where a compensator has but one
    estimate), learned, log. The rest is state; heaps are of `ENTRY`. heaps
    and held (requests with the policy, and at their limit) have a row a queue, and so has listed
    (tenants of whom requests wait); deadlines are times at which clients look at their requests,
    retries those of tries to come, by the try before, thoughts those of users' next rows. wake is a
    tournament of the replicas. behind links the requests of a tenant's queue; pool is room for
    `chance`. decoding (see `ID_BITS`), gone, blocked and pieces have a row a replica, and so have
    slots, which count decoding requests by the iteration in which they need a block; seats (n).
    ahead is room for a heap of those who run. plans (3, n, where the policy plans) are room for two
    heaps, and the scores of requests; chances (n, the same) what a plan knows of each.
    """

    run: Array
    replicas: Array
    queues: Array
    tenants: Array
    tenant_queues: Array
    wake: Array
    costs: Costs
    draws: Array
    requests: Array
    arrival_s: Array
    uncorrected_estimate: Array
    prompt_length: Array
    bias: Array
    estimate: Array
    mean_estimate: Array
    patience_s: Array
    deadlines: Array
    made: Array
    retries: Array
    pauses_s: Array
    thoughts: Array
    loops: Array
    phases: Array
    entropy: Array
    pool: Array
    heaps: Array
    held: Array
    behind: Array
    listed: Array
    decoding: Array
    gone: Array
    blocked: Array
    pieces: Array
    slots: Array
    seats: Array
    cached: Array
    learned: Array
    compensation: Array
    detection: Array
    parameters: Array
    server: Array
    ahead: Array
    plans: Array
    chances: Array
    log: Array
