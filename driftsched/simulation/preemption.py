"""Preemption by recomputation: who gives way when the blocks run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.blocks import BlockTable
    from driftsched.simulation.continuous import ContinuousReplica

__all__ = ["make_room"]


def make_room(replica: ContinuousReplica, blocks: BlockTable) -> None:
    """Give the running requests the blocks of the next iteration, in order of admission.

    Where a block is not free, a victim is preempted, and another, until it is; a request can be its
    own victim. The victim loses all its blocks, also those just given. The prompt under way comes
    last, since it was admitted last.
    """
    iteration = replica.iteration + 1
    served: set[Request] = set()
    for request in list(blocks.bases):
        while request in blocks.bases:
            new = blocks.new_of(request, iteration)
            if new <= blocks.free:
                blocks.free -= new
                served.add(request)
                break
            _preempt(replica, blocks, served)
    while replica.partial is not None:
        new = blocks.needed(replica.end_of_partial()) - blocks.needed(replica.partial.end)
        if new <= blocks.free:
            blocks.free -= new
            break
        _preempt(replica, blocks, served)


def _preempt(replica: ContinuousReplica, blocks: BlockTable, served: set[Request]) -> None:
    """Take its blocks from the victim and send it back."""
    partial, iteration = replica.partial, replica.iteration + 1
    victim = _victim(replica, blocks)
    if partial is not None and victim is partial.request:
        blocks.free += blocks.needed(partial.end)
        replica.partial = None
    else:
        tokens = blocks.unseat(victim) + iteration
        blocks.free += blocks.needed(tokens if victim in served else tokens - 1)
        replica.interrupt(victim, tokens)
    victim.preemptions += 1
    replica.heads.append(victim)


def _victim(replica: ContinuousReplica, blocks: BlockTable) -> Request:
    """The last admitted, or the one that the policy would choose last."""
    running = list(blocks.bases)
    if replica.partial is not None:
        running.append(replica.partial.request)
    if replica.victims == "last_admitted":
        return running[-1]
    order = replica.line.policy.order
    return max(running, key=lambda request: (order(request), request.arrival_s, request.request_id))
