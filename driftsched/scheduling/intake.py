"""Workload rows → `Request` objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftsched.scheduling.request import Request

if TYPE_CHECKING:
    from driftsched.estimation.budget import Budgets
    from driftsched.scenario.model import Scenario
    from driftsched.workload.table import Workload

__all__ = ["make_requests"]


def make_requests(scenario: Scenario, workload: Workload, budgets: Budgets) -> list[Request]:
    """Return a fresh request for each row of the workload, in its order."""
    ranks = [tenant.rank for tenant in scenario.tenants]
    tenants = workload.tenant.tolist()
    return list(
        map(
            Request,
            range(len(workload)),
            tenants,
            [ranks[tenant] for tenant in tenants],
            budgets.predicted.tolist(),
            workload.arrival_s.tolist(),
            workload.prompt_tokens.tolist(),
            workload.output_tokens.tolist(),
            workload.max_output_tokens.tolist(),
            budgets.counted_prompt.tolist(),
            budgets.counted_output.tolist(),
            budgets.base_tokens.tolist(),
            budgets.prior_tokens.tolist(),
        )
    )
