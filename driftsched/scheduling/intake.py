"""Workload rows → `Request` objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.scheduling.request import Request

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = ["make_requests"]


def make_requests(
    scenario: Scenario,
    workload: Workload,
    budgets: Budgets,
    part: slice = slice(None),
    kind: type[Request] = Request,
) -> list[Request]:
    """Return a fresh request for each row of the workload, or of a part of it, in its order."""
    ranks = [tenant.rank for tenant in scenario.tenants]
    tenants = workload.tenant[part].tolist()
    return list(
        map(
            kind,
            range(len(workload))[part],
            tenants,
            [ranks[tenant] for tenant in tenants],
            budgets.predicted[part].tolist(),
            workload.arrival_s[part].tolist(),
            workload.prompt_tokens[part].tolist(),
            workload.output_tokens[part].tolist(),
            workload.max_output_tokens[part].tolist(),
            budgets.counted_prompt[part].tolist(),
            budgets.counted_output[part].tolist(),
            budgets.base_tokens[part].tolist(),
            budgets.prior_tokens[part].tolist(),
        )
    )
