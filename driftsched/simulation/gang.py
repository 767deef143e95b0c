"""Gang batching: a batch is taken, run together, and ends when its longest request ends."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    import simpy

    from driftsched.scheduling.gateway import Gateway
    from driftsched.scheduling.request import Request
    from driftsched.serving.cost import IterationCost
    from driftsched.simulation.traffic import Traffic

__all__ = ["GangReplica", "gang_stretches"]


def gang_stretches(cost: IterationCost, gang: list[Request]) -> list[tuple[float, int, int]]:
    """The course of a gang after its prefill: (seconds, running, KV tokens at the start) a stretch.

    Requests that reach their length stop computing, so the batch shrinks, but give nothing back
    until the longest ends.
    """
    kv = sum(request.prompt_tokens + 1 for request in gang)
    running, done = len(gang), 1
    stretches: list[tuple[float, int, int]] = []
    for request in sorted(gang, key=lambda r: r.output_tokens):
        steps = request.output_tokens - done
        if steps:
            stretches.append((cost.stretch(steps, running, kv), running, kv))
            kv += steps * running
            done = request.output_tokens
        kv -= request.prompt_tokens + done
        running -= 1
    return stretches


class GangReplica(Replica):
    """The paper's batching: up to `batch_size` requests, waiting at most `batch_wait_s` for more.

    The first request is chosen as soon as one waits; more are chosen as they come, until the gang
    is full or the wait is over. Then no request joins, and all finish when the longest does.
    """

    def __init__(
        self,
        env: simpy.Environment,
        traffic: Traffic,
        gateway: Gateway,
        cost: IterationCost,
        batch_size: int,
        kv_capacity: int,
        number: int = 0,
        *,
        batch_wait_s: float = 0.0,
    ) -> None:
        super().__init__(env, traffic, gateway, cost, batch_size, kv_capacity, number)
        self.batch_wait_s = batch_wait_s

    def serve(self) -> Generator[simpy.Event, Any, None]:
        env, traffic = self.env, self.traffic
        now = 0.0
        while True:
            gang = self._take(0, now)
            if not gang:
                self.log.append((now, 0, 0))
                if not traffic.idle(now):
                    return
                yield env.timeout(max(0.0, traffic.next_s - now))
                now = traffic.next_s
                traffic.advance(now)
                continue
            deadline = now + self.batch_wait_s
            while len(gang) < self.batch_size and self._stalled is None and now < deadline:
                until = min(traffic.next_s, deadline)
                yield env.timeout(until - now)
                now = until
                traffic.advance(now)
                gang += self._take(len(gang), now)
            now = yield from self._run(gang, now)

    def _run(self, gang: list[Request], now: float) -> Generator[simpy.Event, Any, float]:
        """Prefill and decode the gang; returns the time at its end."""
        self.batches += 1
        prompts = sum(request.prompt_tokens for request in gang)
        squares = sum(request.prompt_tokens**2 for request in gang)
        self.log.append((now, len(gang), 0))
        seconds = self.cost.iteration(prompts, 0, squares, len(gang), len(gang))
        yield self.env.timeout(seconds)
        now += seconds
        for request in gang:
            request.first_token_s = now
        for seconds, running, kv in gang_stretches(self.cost, gang):
            self.log.append((now, running, kv))
            yield self.env.timeout(seconds)
            now += seconds
        self.log.append((now, 0, 0))
        self.traffic.advance(now)
        for request in sorted(gang, key=lambda r: r.request_id):
            self._reserved -= request.prompt_tokens + request.max_output_tokens
            self.gateway.finish(request, now)
        return now
