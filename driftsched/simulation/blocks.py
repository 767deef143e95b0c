"""The paged KV cache: who holds how many blocks, and how long they last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request

__all__ = ["BlockTable"]


class BlockTable:
    """Blocks of `size` tokens; a request holds as many as its tokens need, rounded up.

    All decoding requests grow by a token an iteration, so each needs a new block every `size`
    iterations: in iteration j where j modulo `size` is its *slot*. Counting requests by slot gives
    the blocks that any number of iterations takes without looking at the requests.

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
    """

    def __init__(self, blocks: int, size: int) -> None:
        self.size = size
        self.free = blocks
        self.bases: dict[Request, int] = {}
        self._slots = [0] * size

    def needed(self, tokens: int) -> int:
        """Blocks that hold `tokens` tokens."""
        return -(-tokens // self.size)

    def seat(self, request: Request, base: int) -> None:
        """Let a request decode whose blocks have been taken."""
        self.bases[request] = base
        self._slots[(1 - base) % self.size] += 1

    def unseat(self, request: Request) -> int:
        """Let a request decode no more; its blocks are the caller's to free. Returns its base."""
        base = self.bases.pop(request)
        self._slots[(1 - base) % self.size] -= 1
        return base

    def new_of(self, request: Request, iteration: int) -> int:
        """New blocks that one decoding request needs in an iteration: 0 or 1."""
        return int((self.bases[request] + iteration - 1) % self.size == 0)

    def new_in(self, first: int, iterations: int = 1) -> int:
        """New blocks that the decoding requests need in `iterations` from `first` on."""
        if iterations == 1:
            return self._slots[first % self.size]
        periods, rest = divmod(iterations, self.size)
        start = first % self.size
        some = self._slots[start : start + rest]
        more = self._slots[: max(0, start + rest - self.size)]
        return periods * len(self.bases) + sum(some) + sum(more)

    def lasting(self, first: int, most: int) -> int:
        """How many iterations from `first` on, `most` at most, the free blocks allow."""
        running = len(self.bases)
        if running * self.needed(most) <= self.free or self.new_in(first, most) <= self.free:
            return most
        periods, left = divmod(self.free, running)
        iterations = periods * self.size
        while left >= self._slots[(first + iterations) % self.size]:
            left -= self._slots[(first + iterations) % self.size]
            iterations += 1
        return iterations
