"""The paged KV cache: who holds how many blocks, and who gives way when they run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from driftsched.serving.batching import block_slot, blocks_for, new_block

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["BlockTable", "Chunk", "RunningBatch", "make_room"]


class Chunk(NamedTuple):
    """A piece of a prompt computed in one iteration: its tokens `start` to `end` (exclusive)."""

    request: Request
    start: int
    end: int


class RunningBatch(Protocol):
    """What preemption needs of a replica; it changes `partial`."""

    iteration: int
    partial: Chunk | None
    victims: str

    def end_of_partial(self) -> int:
        """How far the prompt under way gets in the next iteration."""
        ...

    def interrupt(self, request: Request, tokens: int) -> None:
        """Take a decoding request out that has `tokens`, prompt and answer so far together."""
        ...

    def count_given(self) -> None:
        """Note how many tokens those who decode have given."""
        ...

    def last_key(self, request: Request, now: float) -> float:
        """Where its tier, or a policy that preempts, puts a running request; the last gives way."""
        ...

    def preempted(self, request: Request, now: float) -> None:
        """Let a request wait that was taken out."""
        ...


class BlockTable:
    """Blocks of `size` tokens; a request holds as many as its tokens need, rounded up.

    Parameters
    ----------
    blocks : int
        All there are.
    size : int
        Tokens in one.

    Attributes
    ----------
    free : int
        Blocks that nobody holds.
    bases : dict of Request to int
        The decoding requests in order of admission. In iteration j a request needs base + j tokens.
    slots : list of int
        How many of them have each slot; see `driftsched.serving.batching`.
    """

    def __init__(self, blocks: int, size: int) -> None:
        self.size = size
        self.free = blocks
        self.bases: dict[Request, int] = {}
        self.slots = [0] * size

    def needed(self, tokens: int) -> int:
        """Blocks that hold `tokens` tokens."""
        return blocks_for(tokens, self.size)

    def seat(self, request: Request, base: int) -> None:
        """Let a request decode whose blocks have been taken."""
        self.bases[request] = base
        self.slots[block_slot(base, self.size)] += 1

    def unseat(self, request: Request) -> int:
        """Let a request decode no more; its blocks are the caller's to free. Returns its base."""
        base = self.bases.pop(request)
        self.slots[block_slot(base, self.size)] -= 1
        return base


def make_room(replica: RunningBatch, blocks: BlockTable, now: float) -> None:
    """Give the running requests the blocks of the next iteration, in order of admission.

    Where a block is not free, a victim is preempted, and another, until it is; a request can be its
    own victim. The victim loses all its blocks, also those just given. The prompt under way comes
    last, since it was admitted last.
    """
    iteration = replica.iteration + 1
    served: set[Request] = set()
    for request in list(blocks.bases):
        while request in blocks.bases:
            new = new_block(blocks.bases[request], iteration, blocks.size)
            if new <= blocks.free:
                blocks.free -= new
                served.add(request)
                break
            _preempt(replica, blocks, served, now)
    while replica.partial is not None:
        new = blocks.needed(replica.end_of_partial()) - blocks.needed(replica.partial.end)
        if new <= blocks.free:
            blocks.free -= new
            break
        _preempt(replica, blocks, served, now)


def _preempt(replica: RunningBatch, blocks: BlockTable, served: set[Request], now: float) -> None:
    """Take its blocks from the victim and send it back."""
    partial, iteration = replica.partial, replica.iteration + 1
    victim = _victim(replica, blocks, now)
    if partial is not None and victim is partial.request:
        blocks.free += blocks.needed(partial.end)
        replica.partial = None
    else:
        tokens = blocks.unseat(victim) + iteration
        blocks.free += blocks.needed(tokens if victim in served else tokens - 1)
        replica.interrupt(victim, tokens)
    replica.preempted(victim, now)


def _victim(replica: RunningBatch, blocks: BlockTable, now: float) -> Request:
    """The last admitted; or the last by tier, or policy if that preempts, and arrival."""
    running = list(blocks.bases)
    if replica.partial is not None:
        running.append(replica.partial.request)
    if replica.victims == "last_admitted":
        return running[-1]
    replica.count_given()
    key = replica.last_key
    return max(running, key=lambda one: (key(one, now), one.arrival_s, one.request_id))
