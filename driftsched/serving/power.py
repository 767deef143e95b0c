"""What a GPU draws: by how much of its bandwidth and arithmetic the work under way takes."""

from __future__ import annotations

import numpy as np

from driftsched.core.arrays import Array, Floats
from driftsched.serving.curve import Curve
from driftsched.serving.iteration import IterationCost, decode_fixed_s, linear_seconds

__all__ = ["power_shares"]

RUNNING = 0.15
"""Share of the power between idle and TDP that is drawn as soon as anything runs."""


def power_shares(
    cost: IterationCost, running: Array, kv_tokens: Floats, tokens_s: Floats
) -> Floats:
    """Share of the power between idle and TDP that each of a GPU's stretches of work draws.

    0.15 + 0.85 · work, fitted to what eight A100 drew while they decoded for 1 to 16 requests
    (Splitwise, arXiv 2311.18677, data/perf_model.csv; rows in published.yaml). Work is the share of
    the time in which memory or arithmetic is at its limit: linear layers and KV cache over the
    whole iteration, or, with prompts, the arithmetic of their tokens if that is more. The rest is
    the host, kernels that start and end, and the wire.

    Parameters
    ----------
    cost : IterationCost
        Of the replica.
    running, kv_tokens, tokens_s : array
        Of each stretch: requests that run, tokens of KV cache at its begin, tokens computed a
        second.
    """
    numbers = np.arange(int(np.max(running, initial=0)) + 1).clip(1).tolist()
    linear = np.array([linear_seconds(cost, n) - cost.kernel_s for n in numbers])[running]
    fixed = np.array([decode_fixed_s(cost, n) for n in numbers])[running]
    read = _values(cost.by_kv, kv_tokens) if cost.by_kv.rows else cost.kv_token_s * kv_tokens
    work = np.maximum((linear + read) / (fixed + read), cost.token_s * tokens_s)
    return RUNNING + (1 - RUNNING) * np.minimum(work, 1.0)


def _values(curve: Curve, tokens: Floats) -> Floats:
    """A curve's values, see `curve_at`."""
    knots, values, slopes = map(np.asarray, (curve.knots, curve.values, curve.slopes))
    row = np.searchsorted(knots, tokens, side="right") - 1
    found: Floats = values[row] + slopes[row] * (tokens - knots[row])
    return found
