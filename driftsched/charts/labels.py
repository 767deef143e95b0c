"""Words for people in place of column names."""

from __future__ import annotations

from driftsched.estimation.compensators import COMPENSATORS
from driftsched.scheduling.policies import POLICIES

TIME = "Time since start (s)"

_METRICS = {
    "e2e_s": "End-to-end latency (s)",
    "ttft_s": "Time to first token (s)",
    "tpot_s": "Time per output token (s)",
    "queue_wait_s": "Queue wait (s)",
    "slowdown": "Slowdown (times its own service time)",
}


_COMPENSATORS = {"none": "No compensation", "ema": "EMA"}
"""Shorter, or clearer under a bar, than what the mechanism's own module says."""


def metric_label(metric: str) -> str:
    """Title of an axis that shows a latency column; an unknown column keeps its name."""
    return _METRICS.get(metric, metric)


def policy_label(policy: str) -> str:
    """Name of a policy as people say it."""
    kind = POLICIES.get(policy)
    return policy.replace("_", " ").title() if kind is None else kind.label


def compensator_label(compensator: str) -> str:
    """Name of a compensator as people say it."""
    kind = COMPENSATORS.get(compensator)
    return _COMPENSATORS.get(compensator) or (compensator if kind is None else kind.label)
