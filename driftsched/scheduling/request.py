"""A request on its way through gateway and engine, in both worlds."""

from __future__ import annotations

from math import inf, nan

__all__ = ["Request"]


class Request:
    """One request. Lengths in tokens, times in seconds since the run's start; NaN is "not yet".

    Policies and compensators read it; only gateway and engines write to it. `output_tokens` and
    `output_length` are the actual length, unknown to an honest policy before the end.

    Attributes
    ----------
    request_id : int
        Position in the workload, by arrival; where clients react, in order of making.
    tenant, predicted : int
        Index of the tenant, and of the category as classified.
    rank : int
        Rank of the tenant's tier: 1 premium, 2 standard, 3 batch.
    arrival_s, dispatch_s, first_token_s, finish_s : float
        When it came, left the queue, gave its first and its last token.
    prompt_tokens, output_tokens, max_output_tokens : int
        What the engine works through.
    output_length : int
        The output in the estimator's unit, words or tokens.
    base_tokens : int
        The category's budget; `uncorrected_estimate` is base · safety factor · input factor.
    cached_tokens : int
        Tokens of the prompt found in the prefix cache: held, but not computed.
    first_block : int
        A number, 0 or more, that requests share whose prompts begin alike; -1 where that is not
        known.
    ttft_slo_s, e2e_slo_s : float
        Seconds from its arrival in which its tenant wants the first token, and the whole answer;
        inf without an objective.
    weight : float
        Its tenant's.
    generated_tokens : int
        Output tokens given before it was last preempted, which are computed again with the prompt;
        of one that decodes, those given so far whenever a policy that preempts looks at it.
    prompt_length : int
        The prompt in the estimator's unit.
    bias : float
        The compensator's correction at admission.
    estimated_output_tokens, total_token_budget : int
        The typical length, int(uncorrected_estimate · bias), and that plus the counted prompt.
    estimated_mean_tokens : int
        The mean length, for sums; see `CompensatorSpec.predict_mean`.
    revision_tokens : int
        By how much the typical length is taken to be more, or less, since it decodes; 0 unless the
        predictor looks again. As of when `generated_tokens` are.
    status, reason : str
        Empty while it is under way; one of the five ends afterwards.
    batch_id : int
        Number of the gang or, in continuous mode, of the iteration it joined at; -1 before.
    """

    __slots__ = (
        "arrival_s",
        "base_tokens",
        "batch_id",
        "bias",
        "cached_tokens",
        "dispatch_s",
        "e2e_slo_s",
        "estimated_mean_tokens",
        "estimated_output_tokens",
        "finish_s",
        "first_block",
        "first_token_s",
        "generated_tokens",
        "max_output_tokens",
        "output_length",
        "output_tokens",
        "predicted",
        "preemptions",
        "prompt_length",
        "prompt_tokens",
        "rank",
        "reason",
        "replica",
        "request_id",
        "revision_tokens",
        "status",
        "tenant",
        "total_token_budget",
        "ttft_slo_s",
        "uncorrected_estimate",
        "weight",
    )

    def __init__(
        self,
        request_id: int,
        tenant: int,
        rank: int,
        predicted: int,
        arrival_s: float,
        prompt_tokens: int,
        output_tokens: int,
        max_output_tokens: int,
        prompt_length: int,
        output_length: int,
        base_tokens: int,
        uncorrected_estimate: float,
        cached_tokens: int = 0,
        first_block: int = -1,
        ttft_slo_s: float = inf,
        e2e_slo_s: float = inf,
        weight: float = 1.0,
    ) -> None:
        self.request_id = request_id
        self.tenant = tenant
        self.rank = rank
        self.predicted = predicted
        self.arrival_s = arrival_s
        self.prompt_tokens = prompt_tokens
        self.output_tokens = output_tokens
        self.max_output_tokens = max_output_tokens
        self.prompt_length = prompt_length
        self.output_length = output_length
        self.base_tokens = base_tokens
        self.uncorrected_estimate = uncorrected_estimate
        self.cached_tokens = cached_tokens
        self.first_block = first_block
        self.ttft_slo_s = ttft_slo_s
        self.e2e_slo_s = e2e_slo_s
        self.weight = weight
        self.generated_tokens = 0
        self.bias = 1.0
        self.estimated_output_tokens = 0
        self.estimated_mean_tokens = 0
        self.revision_tokens = 0
        self.total_token_budget = 0
        self.dispatch_s = nan
        self.first_token_s = nan
        self.finish_s = nan
        self.status = ""
        self.reason = ""
        self.batch_id = -1
        self.replica = -1
        self.preemptions = 0

    def again(self) -> Request:
        """Return a new try of the same request; who makes it numbers and dates it."""
        return Request(
            self.request_id,
            self.tenant,
            self.rank,
            self.predicted,
            self.arrival_s,
            self.prompt_tokens,
            self.output_tokens,
            self.max_output_tokens,
            self.prompt_length,
            self.output_length,
            self.base_tokens,
            self.uncorrected_estimate,
            self.cached_tokens,
            self.first_block,
            self.ttft_slo_s,
            self.e2e_slo_s,
            self.weight,
        )
