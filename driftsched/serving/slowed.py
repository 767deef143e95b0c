"""A cost whose iterations all take longer by one factor."""

from __future__ import annotations

from driftsched.serving.iteration import IterationCost

__all__ = ["Slowed"]


class Slowed(IterationCost):
    """Another cost, times `factor`.

    Parameters
    ----------
    cost : IterationCost
        Of the replica at its normal speed.
    factor : float
        Above 0.
    """

    __slots__ = ("_cost", "_factor")

    def __init__(self, cost: IterationCost, factor: float) -> None:
        self._cost, self._factor = cost, factor

    def iteration(
        self,
        tokens: int,
        kv_tokens: int,
        squared_prompts: int = 0,
        requests: int | None = None,
        prompts: int | None = None,
    ) -> float:
        return self._factor * self._cost.iteration(
            tokens, kv_tokens, squared_prompts, requests, prompts
        )

    def decode_seconds(self, iterations: int, running: int, kv_tokens: int) -> float:
        return self._factor * self._cost.decode_seconds(iterations, running, kv_tokens)

    def iterations_past(self, seconds: float, running: int, kv_tokens: int) -> tuple[int, float]:
        steps, lasting = self._cost.iterations_past(seconds / self._factor, running, kv_tokens)
        return steps, self._factor * lasting
