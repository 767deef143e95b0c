"""Workload rows → `Request` objects."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.scheduling.request import Request

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.workload.budgets import Budgets
    from driftsched.workload.table import Workload

__all__ = ["cached_tokens", "make_requests"]


def make_requests(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    part: slice = slice(None),
    kind: type[Request] = Request,
) -> list[Request]:
    """Return a fresh request for each row of the workload, or of a part of it, in its order.

    Parameters
    ----------
    scenario : Scenario
        Its tenants' tiers and prefix hit rates, and the size of a block.
    workload, budgets : Workload and Budgets
        The n requests, and what `prepare_budgets` makes of them; read and not kept.
    part : slice
        Rows to make.
    kind : type
        A subclass of Request, where a world keeps more of each.
    """
    tenant = workload.tenant[part]
    traits = np.array(
        [
            (one.rank, one.slo.ttft_s or inf, one.slo.e2e_s or inf, one.weight)
            for one in scenario.tenants
        ]
    )
    ranks, ttft_slo_s, e2e_slo_s, weights = traits[tenant].T
    return list(
        map(
            kind,
            range(len(workload))[part],
            tenant.tolist(),
            ranks.astype(int).tolist(),
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
            ttft_slo_s.tolist(),
            e2e_slo_s.tolist(),
            weights.tolist(),
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
