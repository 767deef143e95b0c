"""Workload rows → `Request` objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftsched.scenario.model import Scenario
from driftsched.scheduling.request import Request
from driftsched.workload.budgets import Budgets
from driftsched.workload.table import Workload


def make_requests(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    part: slice = slice(None),
    kind: type[Request] = Request,
) -> list[Request]:
    """Return a fresh request for each row of the workload, or of a part of it, in its order.

    `kind` is a subclass of Request, where a world keeps more of each.
    """
    tenant = workload.tenant[part]
    ranks = np.array([tenant.rank for tenant in scenario.tenants])
    objectives = np.array([tenant.slo.first_s for tenant in scenario.tenants])
    return list(
        map(
            kind,
            range(len(workload))[part],
            tenant.tolist(),
            ranks[tenant].tolist(),
            budgets.predicted[part].tolist(),
            workload.arrival_s[part].tolist(),
            workload.prompt_tokens[part].tolist(),
            workload.output_tokens[part].tolist(),
            workload.max_output_tokens[part].tolist(),
            budgets.prompt_length[part].tolist(),
            budgets.output_length[part].tolist(),
            budgets.base_tokens[part].tolist(),
            budgets.uncorrected_estimate[part].tolist(),
            cached_tokens(scenario, workload, part).tolist(),
            objectives[tenant].tolist(),
        )
    )


def cached_tokens(
    scenario: Scenario, workload: Workload, part: slice = slice(None)
) -> NDArray[np.int64]:
    """Tokens of each prompt of a part of the workload found in the prefix cache, shape (n,).

    The tenant's share of the prompt in whole blocks, at least one token short of it: as in vLLM,
    the last token is always computed, since its logits are needed.
    """
    size = scenario.engine.block_tokens
    rate = np.array([tenant.prefix_hit_rate for tenant in scenario.tenants])
    prompt = workload.prompt_tokens[part]
    hits = np.floor(prompt * rate[workload.tenant[part]]).astype(np.int64)
    whole: NDArray[np.int64] = np.minimum(hits // size, (prompt - 1) // size)
    return whole * size
