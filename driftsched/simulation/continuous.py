"""Continuous batching: requests join and leave between iterations."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import isnan
from sys import maxsize
from typing import TYPE_CHECKING

from driftsched.serving.batching import (
    iterations_lasting,
    most_ahead,
    new_blocks,
    piece_end,
    tokens_to_come,
    whole_length_fits,
)
from driftsched.serving.iteration import iteration_seconds
from driftsched.serving.memory import kv_blocks
from driftsched.simulation.paging import BlockTable, Chunk, make_room
from driftsched.simulation.replica import Replica

if TYPE_CHECKING:
    from driftsched.scheduling.request import Request
    from driftsched.simulation.replica import ReplicaContext

__all__ = ["ContinuousReplica"]


class ContinuousReplica(Replica):
    """Iteration-level scheduling as in vLLM v1, with jump-ahead.

    An iteration gives each decoding request one token and computes chunks of prompts, within
    `max_num_batched_tokens`. A stretch is planned to the first request to finish or the last free
    block; with room in the batch, an arrival cuts it at the first boundary from then on.

    At a boundary: requests finish in order of their id and teach the compensator; running requests
    get their tokens and blocks, in order of admission, by preemption if need be; if nobody was
    preempted, requests join. Where the policy preempts, one that finds no room takes the place of
    the one that decodes and scores highest, if its own score is lower.
    """

    def __init__(self, context: ReplicaContext) -> None:
        engine = context.engine
        self.chunked = engine.chunked_prefill
        self.most_tokens = engine.max_num_batched_tokens or maxsize
        self.victims: str = engine.preempt
        self.crowded = False  # whether nobody joins until somebody has left
        self.looks_ahead = engine.admit == "past_future"
        self.blocks: BlockTable | None = None
        if engine.kv == "paged":
            size = engine.block_tokens
            self.blocks = BlockTable(kv_blocks(context.kv_capacity, size), size)
        self.decoding: list[tuple[int, int, Request]] = []  # (last iteration, id, request)
        self.blocked: list[Request] = []  # chosen or preempted, no room yet; the last comes first
        self.partial: Chunk | None = None  # the prompt under way: computed up to `end`
        self.iteration = 0  # iterations done
        self._chunks: Sequence[Chunk] = ()  # those of the iteration under way
        self._open = False  # whether an arrival would cut the stretch
        super().__init__(context)

    @property
    def _stretching(self) -> bool:
        return not self._chunks

    # ------------------------------------------------------------- a stretch ends

    def _settle(self, now: float) -> None:
        """Count the stretch that has ended: prompts are done, requests leave."""
        decoding, steps = self.decoding, self._steps
        self.iteration = iteration = self.iteration + steps
        self._kv += steps * len(decoding)
        self._count_stretch()
        if self.blocks is not None and steps > 1:
            slots, size, first = self.blocks.slots, self.blocks.size, iteration - steps + 2
            self.blocks.free -= new_blocks(slots, size, len(decoding), first, steps - 1)
        for chunk in self._chunks:
            self._settle_chunk(chunk, now)
        self._grown = self._kv + (self.partial.end if self.partial else 0)
        if self._gone or (decoding and decoding[0][0] == iteration):
            self.crowded = False
        if self._gone:
            self._drop(now)
        while decoding and decoding[0][0] == iteration:
            request = heappop(decoding)[2]
            self._free(request, request.prompt_tokens + request.output_tokens)
            self.gateway.finish(request, now)
            if self.peers:
                self._tell_peers(now)

    def _settle_chunk(self, chunk: Chunk, now: float) -> None:
        """A prompt that is whole gives a token and decodes from now on."""
        request, _, end = chunk
        given = request.generated_tokens
        if end < request.prompt_tokens + given:
            self.partial = chunk
            return
        if isnan(request.first_token_s) and request not in self._gone:
            request.first_token_s = now
        if self.gateway.counts_tokens:
            self.gateway.generated(request, 1)
        self._kv += end + 1
        last = self.iteration + request.output_tokens - given - 1
        heappush(self.decoding, (last, request.request_id, request))
        if self.blocks is not None:
            self.blocks.seat(request, end - self.iteration)

    def _decoding_requests(self) -> Sequence[Request]:
        return [entry[2] for entry in self.decoding]

    def _free(self, request: Request, held: int) -> None:
        """Free the KV cache of a request that decodes, with the token to come in `held`."""
        self._kv -= held
        if self.blocks is not None:
            self.blocks.unseat(request)
            self.blocks.free += self.blocks.needed(held - 1)
        else:
            self._reserved -= request.prompt_tokens + request.max_output_tokens

    # ------------------------------------------------------------- the next one begins

    def _plan(self, now: float) -> bool:
        self.cost = self._next_cost
        preempted = self.busy and self.blocks is not None and self._grow(self.blocks, now)
        if preempted:
            self.crowded = self.victims == "lowest_rank" and not self.gateway.preempts
        self._chunks = chunks = self._prefill(now, joining=not (preempted or self.crowded))
        decoding, kv = len(self.decoding), self._kv
        self._decoding = decoding
        if chunks or preempted:
            self.busy, self._open = True, False
            held = kv + (self.partial.end if self.partial else 0)
            self.log.append((now, decoding + len(chunks), held, self._grown))
            self._start_s, self._steps, self.partial = now, 1, None
            self._wake_at(now + self._seconds(chunks))
        elif decoding:
            self.log.append((now, decoding, kv, self._grown))
            steps = self.decoding[0][0] - self.iteration
            if self.blocks is not None and steps > 1:
                slots, size, free = self.blocks.slots, self.blocks.size, self.blocks.free
                first = self.iteration + 2
                steps = 1 + iterations_lasting(slots, size, decoding, free, first, steps - 1)
            self._open = not self.blocked and (self.gateway.preempts or decoding < self.batch_size)
            self._decode(now, steps)
        return bool(chunks or preempted or decoding)

    def _grow(self, blocks: BlockTable, now: float) -> bool:
        """Give the running requests the blocks of the next iteration; True if one was preempted."""
        new = blocks.slots[(self.iteration + 1) % blocks.size]
        if self.partial is not None:
            new += blocks.needed(self.end_of_partial()) - blocks.needed(self.partial.end)
        if new <= blocks.free:
            blocks.free -= new
            return False
        make_room(self, blocks, now)
        return True

    def end_of_partial(self) -> int:
        """How far the prompt under way gets in the next iteration; 0 where there is none."""
        if self.partial is None:
            return 0
        request, _, start = self.partial
        end = request.prompt_tokens + request.generated_tokens
        return piece_end(start, end, self.most_tokens - len(self.decoding), True)

    def count_given(self) -> None:
        """Note how many tokens those who decode have given: a policy's score may look at it."""
        for last, _, request in self.decoding:
            self.gateway.has_given(request, request.output_tokens - (last - self.iteration))

    def last_key(self, request: Request, now: float) -> float:
        """Its tier's rank or, where the policy preempts, its score: the highest gives way."""
        return self.queue.order(request, now) if self.gateway.preempts else request.rank

    def interrupt(self, request: Request, tokens: int) -> None:
        """Take a decoding request out that has `tokens`, prompt and answer so far together."""
        self._kv -= tokens
        self.gateway.has_given(request, tokens - request.prompt_tokens)
        self.decoding = [entry for entry in self.decoding if entry[2] is not request]
        heapify(self.decoding)

    def put_aside(self, request: Request) -> None:
        """Let a request wait that was chosen or interrupted.

        It waits before all others, or in the queue where the policy decides who runs.
        """
        if self.gateway.preempts:
            self.gateway.interrupt(request)
        else:
            self.blocked.append(request)

    def preempted(self, request: Request, now: float) -> None:
        """Let a request wait that was taken out; another replica may have room for it."""
        request.preemptions += 1
        self.put_aside(request)
        if self.gateway.preempts:
            self._tell_peers(now)

    def _make_place(self, request: Request, now: float) -> bool:
        """Interrupt who scores highest of those that decode, if `request` scores lower."""
        self.count_given()
        order = self.queue.order
        key = {one: (order(one, now), one.request_id) for one in self._decoding_requests()}
        worst = max(key, key=key.__getitem__, default=None)
        if worst is None or order(request, now) >= key[worst][0]:
            return False
        tokens = worst.prompt_tokens + worst.generated_tokens
        if self.blocks is not None:
            self.blocks.unseat(worst)
            self.blocks.free += self.blocks.needed(tokens)
        else:
            self._reserved -= worst.prompt_tokens + worst.max_output_tokens
        self.interrupt(worst, tokens)
        self.preempted(worst, now)
        return True

    def _prefill(self, now: float, *, joining: bool) -> list[Chunk]:
        """The chunks of the next iteration: the prompt under way, then those of who may join."""
        chunks: list[Chunk] = []
        left = self.most_tokens - len(self.decoding)
        preempts = self.gateway.preempts
        if self.partial is not None:
            start, end = self.partial.end, self.end_of_partial()
            chunks.append(Chunk(self.partial.request, start, end))
            left -= end - start
        before = len(chunks)
        while joining and left > 0:
            full = len(self.decoding) + len(chunks) >= self.batch_size
            if full and not preempts:
                break
            request = self.blocked.pop() if self.blocked else self._next(now)
            if request is None:
                break
            start = request.cached_tokens
            whole = request.prompt_tokens + request.generated_tokens
            end = piece_end(start, whole, left, self.chunked)
            room = end > start and not full and self._hold(request, end, chunks)
            while preempts and end > start and not room and self._make_place(request, now):
                left += 1
                end = piece_end(start, whole, left, self.chunked)
                room = self._hold(request, end, chunks)
            if not room:
                self.put_aside(request)
                break
            request.replica = self.number
            if isnan(request.dispatch_s):
                request.dispatch_s, request.batch_id = now, self.batches
            left -= end - start
            chunks.append(Chunk(request, start, end))
        self.batches += len(chunks) > before
        return chunks

    def _hold(self, request: Request, end: int, chunks: Sequence[Chunk]) -> bool:
        """Take KV cache for a request that joins with tokens up to `end`; False if none is left."""
        if self.blocks is not None:
            needed = self.blocks.needed(end)
            if needed > self.blocks.free:
                return False
            if self.looks_ahead and not self._peak_fits(self.blocks, request, chunks):
                return False
            self.blocks.free -= needed
            return True
        prompt, most = request.prompt_tokens, request.max_output_tokens
        if not whole_length_fits(self._reserved, self.kv_capacity, prompt, most):
            return False
        self._reserved += prompt + most
        return True

    def _peak_fits(self, blocks: BlockTable, request: Request, chunks: Sequence[Chunk]) -> bool:
        """Whether there are blocks for all that those who run, and `request`, are to give yet.

        They hold most just before one of them leaves, see `most_ahead`; a prompt counts as if
        computed at once.
        """
        self.count_given()
        ahead = []
        for one in [*self._decoding_requests(), *(chunk.request for chunk in chunks), request]:
            given, most = one.generated_tokens, one.max_output_tokens
            estimate = one.estimated_output_tokens + one.revision_tokens
            to_come = tokens_to_come(estimate, given, most)
            ahead.append((to_come, one.prompt_tokens + given))
        room, held = kv_blocks(self.kv_capacity, blocks.size) * blocks.size, 0
        for place, (to_come, tokens) in enumerate(sorted(ahead, reverse=True), 1):
            held += tokens
            if most_ahead(held, place, to_come, blocks.size) > room:
                return False
        return True

    def _seconds(self, chunks: Sequence[Chunk]) -> float:
        """Seconds of an iteration with chunks in it."""
        tokens, squares, first = len(self.decoding), 0, 0
        for request, start, end in chunks:
            tokens += end - start
            squares += end * end - start * start
            first += start == request.cached_tokens
        running = len(self.decoding) + len(chunks)
        return iteration_seconds(self.cost, tokens, self._kv, squares, running, first)

    # ------------------------------------------------------------- what others do to it

    def notify(self, now: float) -> None:
        if not self.busy:
            self._wake_at(now)
        elif self._open and now < self._wake_s:
            self._cut(now)

    def _cut(self, time_s: float) -> None:
        self._open = False
        super()._cut(time_s)

    def holds(self, request: Request) -> bool:
        running = [*self._decoding_requests(), *(chunk.request for chunk in self._chunks)]
        return request in running or request in self.blocked

    def let_go(self, request: Request, status: str, reason: str, now: float) -> None:
        if request in self.blocked:
            self.blocked.remove(request)
            self.gateway.abandon(request, now, status, reason)
            self._tell_peers(now)
        else:
            self._gone[request] = (status, reason)
        self._end_sooner(now)

    def _take_out(self, request: Request) -> None:
        for place, (last, _, one) in enumerate(self.decoding):
            if one is request:
                del self.decoding[place]
                heapify(self.decoding)
                to_come = last - self.iteration
                self._free(request, request.prompt_tokens + request.output_tokens - to_come)
                return
        partial, self.partial = self.partial, None
        if self.blocks is not None:
            self.blocks.free += self.blocks.needed(partial.end if partial else 0)
        else:
            self._reserved -= request.prompt_tokens + request.max_output_tokens

    def hand_back(self) -> list[Request]:
        chosen = [one for one in self.blocked if isnan(one.dispatch_s)]
        self.blocked = [one for one in self.blocked if not isnan(one.dispatch_s)]
        # Nobody stands before the queue any more: who comes next may join the stretch under way.
        room = not self.blocked and len(self.decoding) < self.batch_size
        self._open = self._open or (bool(chosen) and self._steps > 1 and room)
        return chosen

    def _clear(self) -> tuple[list[Request], list[Request]]:
        running = [entry[2] for entry in self.decoding]
        running += [chunk.request for chunk in self._chunks if chunk.request not in running]
        running += [one for one in self.blocked if not isnan(one.dispatch_s)]
        chosen = [one for one in self.blocked if isnan(one.dispatch_s)]
        self.decoding, self.blocked, self.partial, self._kv = [], [], None, 0
        self._chunks, self._steps, self._open, self.crowded = (), 0, False, False
        if self.blocks is not None:
            size = self.blocks.size
            self.blocks = BlockTable(kv_blocks(self.kv_capacity, size), size)
        return running, chosen
