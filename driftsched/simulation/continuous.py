"""Continuous batching: requests join and leave between iterations."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import isnan
from sys import maxsize
from typing import TYPE_CHECKING, NamedTuple

from driftsched.serving.memory import kv_blocks
from driftsched.simulation.blocks import BlockTable
from driftsched.simulation.preemption import make_room
from driftsched.simulation.replica import Replica, boundary, kv_within

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.clock import Appointment
    from driftsched.simulation.replica import Place

__all__ = ["Chunk", "ContinuousReplica"]


class Chunk(NamedTuple):
    """A piece of a prompt computed in one iteration: its tokens `start` to `end` (exclusive)."""

    request: Request
    start: int
    end: int


Piece = tuple["Request", int, int]
"""A chunk as a bare tuple, which is made much faster: there is one for almost every request."""


class ContinuousReplica(Replica):
    """Iteration-level scheduling as in vLLM v1, with jump-ahead.

    An iteration gives each decoding request one token and computes chunks of prompts, within
    `max_num_batched_tokens`. As long as nobody joins, leaves or is preempted, any number of
    iterations is one closed form (`IterationCost.decode_seconds`), so the cost is per request and
    not per token. A stretch is planned to the first request to finish or the last free block; with
    room in the batch, an arrival cuts it at the first boundary from then on.

    A turn, at a boundary: arrivals up to and including it are submitted; requests finish in order
    of their id and teach the compensator; running requests get their tokens and blocks, in order of
    admission, by preemption if need be; if nobody was preempted, requests join.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        engine = place.engine
        self.chunked = engine.chunked_prefill
        self.most_tokens = engine.max_num_batched_tokens or maxsize
        self.victims = engine.preempt
        self.blocks: BlockTable | None = None
        if engine.kv == "paged":
            self.blocks = BlockTable(
                kv_blocks(self.kv_capacity, engine.block_tokens), engine.block_tokens
            )
        self.leaving: list[tuple[int, int, Request]] = []  # (last iteration, id, request)
        self.heads: list[Request] = []  # chosen or preempted, wait for room; the last comes first
        self.partial: Chunk | None = None  # the prompt under way: computed up to `end`
        self.iteration = 0  # iterations done
        self.kv = 0  # tokens that the decoding requests read in the next iteration
        self._chunks: Sequence[Piece] = ()  # those of the iteration under way
        self._start_s = self._end_s = 0.0  # of the stretch under way
        self._steps = 0
        self._open = False  # whether an arrival would cut the stretch

    def notify(self, now: float) -> None:
        if not self.busy:
            self._arm(now)
        elif self._open and now < self._end_s:
            self._arm(self._cut(now))

    def holds(self, request: Request) -> bool:
        runs = request.replica == self.number and not isnan(request.dispatch_s)
        return runs or request in self.heads

    def let_go(self, request: Request, status: str, reason: str, now: float) -> None:
        if request in self.heads:
            self.heads.remove(request)
            self.gateway.abandon(request, now, status, reason)
            self._tell_peers(now)
        else:
            self._gone[request] = (status, reason)
        self._cut_short(now)

    def _cut_short(self, now: float) -> None:
        if self.busy and self._steps > 1 and now < self._end_s:
            self._arm(self._cut(now))

    def _kv_by(self, now: float) -> int:
        steps = 0 if self._chunks or not self.busy else self._steps
        return kv_within(self.cost, self._start_s, now, steps, len(self.leaving), self.kv)

    def _clear(self) -> tuple[list[Request], list[Request]]:
        running = [entry[2] for entry in self.leaving]
        running += [chunk[0] for chunk in self._chunks if chunk[0] not in running]
        running += [one for one in self.heads if not isnan(one.dispatch_s)]
        chosen = [one for one in self.heads if isnan(one.dispatch_s)]
        self.leaving, self.heads, self.partial, self.kv = [], [], None, 0
        self._chunks, self._steps, self._open = (), 0, False
        if self.blocks is not None:
            self.blocks = BlockTable(
                kv_blocks(self.kv_capacity, self.blocks.size), self.blocks.size
            )
        return running, chosen

    def hand_back(self) -> list[Request]:
        chosen = [one for one in self.heads if isnan(one.dispatch_s)]
        self.heads = [one for one in self.heads if not isnan(one.dispatch_s)]
        # Nobody stands before the line any more: who comes next may join the stretch under way.
        room = not self.heads and len(self.leaving) < self.batch_size
        self._open = self._open or (bool(chosen) and self._steps > 1 and room)
        return chosen

    def _wake(self, appointment: Appointment) -> None:
        source, now = self.source, self.clock.now
        while True:
            if source.next_s <= now:
                source.advance(now)
            if self.busy:
                self._settle(now)
            if not self._plan(now):
                self._rest(now)
                return
            now = self._end_s
            if not self.clock.passes(now):
                self._arm(now)
                return

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended: prompts are done, requests leave."""
        leaving, steps = self.leaving, self._steps
        self.iteration = iteration = self.iteration + steps
        self.kv += steps * len(leaving)
        if self.blocks is not None and steps > 1:
            self.blocks.free -= self.blocks.new_in(iteration - steps + 2, steps - 1)
        for chunk in self._chunks:
            request, _, end = chunk
            given = request.generated_tokens
            if end < request.prompt_tokens + given:
                self.partial = Chunk(*chunk)
                continue
            if isnan(request.first_token_s) and request not in self._gone:
                request.first_token_s = now
            self.kv += end + 1
            last = iteration + request.output_tokens - given - 1
            heappush(leaving, (last, request.request_id, request))
            if self.blocks is not None:
                self.blocks.seat(request, end - iteration)
        self._grown = self.kv + (self.partial.end if self.partial else 0)
        if self._gone:
            self._drop(now)
        while leaving and leaving[0][0] == iteration:
            request = heappop(leaving)[2]
            self._free(request, request.prompt_tokens + request.output_tokens)
            self.gateway.finish(request, now)
            if self.peers:
                self._tell_peers(now)

    def _free(self, request: Request, held: int) -> None:
        """Free the KV cache of a request that decodes, with the token to come in `held`."""
        self.kv -= held
        if self.blocks is not None:
            self.blocks.unseat(request)
            self.blocks.free += self.blocks.needed(held - 1)
        else:
            self._reserved -= request.prompt_tokens + request.max_output_tokens

    def _take_out(self, request: Request) -> None:
        for place, (last, _, one) in enumerate(self.leaving):
            if one is request:
                del self.leaving[place]
                heapify(self.leaving)
                to_come = last - self.iteration
                self._free(request, request.prompt_tokens + request.output_tokens - to_come)
                return
        partial, self.partial = self.partial, None
        if self.blocks is not None:
            self.blocks.free += self.blocks.needed(partial.end if partial else 0)
        else:
            self._reserved -= request.prompt_tokens + request.max_output_tokens

    def _plan(self, now: float) -> bool:
        """Give blocks, let requests join, and plan the next stretch; False where nobody runs."""
        self.cost = self._next_cost
        preempted = self.busy and self.blocks is not None and self._grow(self.blocks)
        decoding, kv = len(self.leaving), self.kv
        chunks: Sequence[Piece] = ()
        if self.partial is not None or (
            decoding < self.batch_size and (self.line.waiting or self.heads)
        ):
            chunks = self._prefill(decoding, now, joining=not preempted)
        self._chunks = chunks
        if chunks or preempted:
            self.busy, self._open = True, False
            held = kv + (self.partial.end if self.partial else 0)
            self.log.append((now, decoding + len(chunks), held, self._grown))
            self._start_s, self._steps, self.partial = now, 1, None
            end = now + self._seconds(chunks, decoding, kv)
        elif decoding:
            self.log.append((now, decoding, kv, self._grown))
            self._start_s = now
            steps = self.leaving[0][0] - self.iteration
            if self.blocks is not None and steps > 1:
                steps = 1 + self.blocks.lasting(self.iteration + 2, steps - 1)
            self._steps = steps
            end = now + self.cost.decode_seconds(steps, decoding, kv)
            self._open = not self.heads and decoding < self.batch_size
            if self._open and self.source.next_s < end:
                end = self._cut(self.source.next_s)
        else:
            return False
        self._end_s = end
        return True

    def _grow(self, blocks: BlockTable) -> bool:
        """Give the running requests the blocks of the next iteration; True if one was preempted."""
        new = blocks.new_in(self.iteration + 1)
        if self.partial is not None:
            new += blocks.needed(self.end_of_partial()) - blocks.needed(self.partial.end)
        if new <= blocks.free:
            blocks.free -= new
            return False
        make_room(self, blocks)
        return True

    def end_of_partial(self) -> int:
        """How far the prompt under way gets in the next iteration; 0 where there is none."""
        if self.partial is None:
            return 0
        request, _, start = self.partial
        left = self.most_tokens - len(self.leaving)
        return min(request.prompt_tokens + request.generated_tokens, start + left)

    def interrupt(self, request: Request, tokens: int) -> None:
        """Take a decoding request out that has `tokens`, prompt and answer so far together."""
        self.kv -= tokens
        request.generated_tokens = tokens - request.prompt_tokens
        self.leaving = [entry for entry in self.leaving if entry[2] is not request]
        heapify(self.leaving)

    def _prefill(self, decoding: int, now: float, *, joining: bool) -> list[Piece]:
        """The chunks of the next iteration: the prompt under way, then those of who may join."""
        chunks: list[Piece] = []
        left = self.most_tokens - decoding
        if self.partial is not None:
            start, end = self.partial.end, self.end_of_partial()
            chunks.append((self.partial.request, start, end))
            left -= end - start
        if not joining:
            return chunks
        line, heads, joined = self.line, self.heads, len(chunks)
        while left > 0 and decoding + len(chunks) < self.batch_size and (line.waiting or heads):
            request = heads.pop() if heads else line.next(now)
            if request is None:
                break
            start = request.cached_tokens
            end = request.prompt_tokens + request.generated_tokens
            whole = end - start <= left
            if not whole:
                end = start + left
            if not (whole or self.chunked) or not self._hold(request, end):
                heads.append(request)
                break
            if isnan(request.dispatch_s):
                request.dispatch_s, request.replica = now, self.number
                request.batch_id = self.batches
            left -= end - start
            chunks.append((request, start, end))
        self.batches += len(chunks) > joined
        return chunks

    def _hold(self, request: Request, end: int) -> bool:
        """Take KV cache for a request that joins with tokens up to `end`; False if none is left."""
        if self.blocks is not None:
            needed = self.blocks.needed(end)
            if needed > self.blocks.free:
                return False
            self.blocks.free -= needed
            return True
        held = request.prompt_tokens + request.max_output_tokens
        if self._reserved + held > self.kv_capacity:
            return False
        self._reserved += held
        return True

    def _cut(self, time_s: float) -> float:
        """End the stretch at its first boundary from `time_s` on; returns the boundary's time."""
        decoding = len(self.leaving)
        self._steps, self._end_s = boundary(self.cost, self._start_s, time_s, decoding, self.kv)
        self._open = False
        return self._end_s

    def _seconds(self, chunks: Sequence[Piece], decoding: int, kv: int) -> float:
        """Seconds of an iteration with chunks in it."""
        tokens, squares, first = decoding, 0, 0
        for request, start, end in chunks:
            tokens += end - start
            squares += end * end - start * start
            first += start == request.cached_tokens
        return self.cost.iteration(tokens, kv, squares, decoding + len(chunks), first)
