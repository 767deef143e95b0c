"""Preemption by recomputation: who gives way when the blocks run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.continuous import ContinuousReplica

__all__ = ["make_room"]


def make_room(replica: ContinuousReplica) -> None:
    """Give the running requests the blocks of the next iteration, in order of admission.

    Where a block is not free, a victim is preempted, and another, until it is; a request can be its
    own victim. A victim loses all blocks, those just given too. The prompt under way comes last,
    since it was admitted last.
    """
    blocks, iteration = replica.blocks, replica.iteration + 1
    given: set[Request] = set()
    for request in list(blocks.bases):
        if request not in blocks.bases:
            continue  # preempted by one before it
        new = int((blocks.bases[request] + iteration) % blocks.size == 1 % blocks.size)
        if _find(replica, request, new, given):
            blocks.free -= new
            given.add(request)
    if replica.partial is not None:
        request, _, start = replica.partial
        while replica.partial is not None:
            new = blocks.needed(replica._end_of_partial()) - blocks.needed(start)
            if new <= blocks.free:
                blocks.free -= new
                break
            _preempt(replica, _victim(replica), given)
