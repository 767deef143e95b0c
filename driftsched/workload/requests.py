"""Workload rows → `Request` objects."""

from __future__ import annotations

import numpy as np

from driftsched.core.arrays import Ints
from driftsched.scenario.model import Scenario
from driftsched.scheduling.request import Request
from driftsched.workload.budgets import Budgets
from driftsched.workload.table import Workload


def make_requests(scenario: Scenario, workload: Workload, budgets: Budgets) -> list[Request]:
    """Return a fresh request for each row of the workload, in its order."""
    tenant = workload.tenant
    traits = np.array([(one.rank, *one.within_s, one.weight) for one in scenario.tenants])
    ranks, ttft_slo_s, e2e_slo_s, weights = traits[tenant].T
    columns = (
        np.arange(len(workload)),
        tenant,
        ranks.astype(int),
        budgets.predicted,
        workload.arrival_s,
        workload.prompt_tokens,
        workload.output_tokens,
        workload.max_output_tokens,
        budgets.prompt_length,
        budgets.output_length,
        budgets.base_tokens,
        budgets.uncorrected_estimate,
        cached_tokens(scenario, workload),
        np.full(len(workload), -1) if workload.first_block is None else workload.first_block,
        ttft_slo_s,
        e2e_slo_s,
        weights,
    )
    return list(map(Request, *(column.tolist() for column in columns)))


def cached_tokens(scenario: Scenario, workload: Workload) -> Ints:
    """Tokens of each prompt found in the prefix cache, shape (n,).

    What the trace tells, else the tenant's share of the prompt; in whole blocks, at least one token
    short of it: as in vLLM, the last token is always computed, since its logits are needed.
    """
    size = scenario.engine.block_tokens
    prompt = workload.prompt_tokens
    hits = workload.cached_tokens
    if hits is None:
        rate = np.array([tenant.prefix_hit_rate for tenant in scenario.tenants])
        hits = np.floor(prompt * rate[workload.tenant]).astype(np.int64)
    whole: Ints = np.minimum(hits // size, (prompt - 1) // size)
    return whole * size
