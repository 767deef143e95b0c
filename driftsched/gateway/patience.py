"""How long the client of each request waits, and how its request ends then."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scenario.tenants import Patience as Timeouts
    from driftsched.workload.table import Workload

__all__ = ["HANGS_UP", "Limit", "Patience", "no_first_token", "not_finished"]

HANGS_UP = "hung up before the first token"
"""Reason of an end: the user's own patience was over."""


def no_first_token(patience: Timeouts) -> str:
    """Reason of an end: the answer did not begin in time."""
    return f"no first token within {patience.first_token_timeout_s:g} s"


def not_finished(patience: Timeouts) -> str:
    """Reason of an end: the answer was not there in time."""
    return f"not finished within {patience.timeout_s:g} s"


class Limit(NamedTuple):
    """A client leaves `after_s` seconds after asking, unless it has what it wants by then."""

    after_s: float
    status: str
    reason: str
    to_first_token: bool


class Patience:
    """The limits of each request's client.

    Parameters
    ----------
    scenario : Scenario
        The tenants' timeouts.
    workload : Workload
        Patience as drawn, row by row.
    """

    def __init__(self, scenario: Scenario, workload: Workload) -> None:
        self._tenants = [tenant.patience for tenant in scenario.tenants]
        self._drawn_s = workload.patience_s
        self._tokens_get_lost = bool(scenario.events)

    def limits(self, tenant: int, row: int) -> list[Limit]:
        """Limits of the request in a row of the workload, each worth an appointment.

        Of two limits to the first token the earlier decides, but where a replica may go down and a
        first token with it.
        """
        patience = self._tenants[tenant]
        first_s, all_s = patience.first_token_timeout_s or inf, patience.timeout_s or inf
        drawn_s = inf if self._drawn_s is None else float(self._drawn_s[row])
        limits: list[Limit] = []
        if first_s < all_s and (first_s <= drawn_s or self._tokens_get_lost):
            limits.append(Limit(first_s, "timed_out", no_first_token(patience), True))
        if drawn_s < all_s and (drawn_s < first_s or self._tokens_get_lost):
            limits.append(Limit(drawn_s, "cancelled", HANGS_UP, True))
        if all_s < inf:
            limits.append(Limit(all_s, "timed_out", not_finished(patience), False))
        # Two that differ by less than the clock can tell: the shorter comes first.
        return sorted(limits, key=lambda limit: limit.after_s)
