"""Many visitors of one server, two of them hostile: nobody's work is lost, nobody starves.

Visitors move a slider every 10 to 25 seconds, one in ten keeps runs in the library. After a sixth
of the time the hostile ones come: one sends faster than any page can answer, one asks for too much.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from driftsched.results import RunLibrary
from tests.hostile.visitor import Visitor
from tests.support.browser import Server
from tests.support.patience import SLOWER

__all__ = ["trial"]

WHOLE, WHOLE_S = 50, 900.0
"""So many sessions for so long are the whole trial; fewer are quicker and go on for less."""
EACH_S, QUICKER = 3.0, 5
PAUSE_S = (10.0, 25.0)
LIMIT_S = 60.0
"""A visitor who waits longer has lost what was asked for."""
JUDGED_S = 200.0
"""In a shorter trial neither percentiles nor memory say anything."""
SLIDERS = {"Load": (0.3, 2.0), "Replications": (4, 12)}
TOO_MUCH = (
    "set=phases.1.requests=15000000",
    "set=phases.1.requests=1500000&set=phases.0.requests=500000",
    "&".join(["set=seed=1"] * 3000 + ["set=seed=x"]),
    "set=seed=" + ":".join(["1"] * 3000),
    "load=4&set=phases.1.requests=1900000&policy=vtc",
)


class Move(NamedTuple):
    """One answer: who asked, when, how long it took."""

    visitor: int
    at_s: float
    took_s: float


class Trial:
    """What comes of it; all times are seconds since the beginning."""

    def __init__(self, url: str, seed: int, sessions: int, length_s: float) -> None:
        self.url, self.seed, self.sessions, self.length_s = url, seed, sessions, length_s
        self.pace = 1.0 if sessions >= 40 else 1 / QUICKER
        # A short trial is not held to speed: a slow machine may take its time.
        self.limit_s = LIMIT_S if length_s >= JUDGED_S else SLOWER * LIMIT_S
        self.began = time.monotonic()
        self.hostile_s = length_s / 6
        self.moves: list[Move] = []
        self.failures: list[str] = []
        self.memory: list[tuple[float, float]] = []
        self.saved = 0

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.began

    async def visit(self, number: int) -> None:
        """Be one visitor until the end."""
        rng = random.Random(self.seed * 1000 + number)
        await asyncio.sleep(rng.uniform(0, PAUSE_S[0] * self.pace))
        try:
            if number % 10 == 9:
                await self._keep_runs(rng)
            else:
                await self._move(number, rng)
        except Exception as error:  # noqa: BLE001  whatever a visitor meets is a failure
            self.failures.append(f"visitor {number} at {self.now_s:.0f} s: {error!r}")

    async def _move(self, number: int, rng: random.Random) -> None:
        async with Visitor(self.url, query=f"set=seed={rng.randrange(1000)}") as visitor:
            await visitor.open(self.limit_s)
            for pause_s in self._pauses(rng):
                await asyncio.sleep(pause_s)
                label = rng.choice(["Load", "Load", "Load", "Replications"])
                low, high = SLIDERS[label]
                value = round(rng.uniform(low, high), 0 if isinstance(low, int) else 1)
                at_s = self.now_s
                took_s = await visitor.move(label, value, self.limit_s)
                self.moves.append(Move(number, at_s, took_s))
                (shown,) = visitor.widget(label)[1].value or (value,)
                if abs(shown - value) > 1e-6:
                    self.failures.append(f"visitor {number}: {label} is {shown}, not {value}")
            self.failures += visitor.problems

    async def _keep_runs(self, rng: random.Random) -> None:
        async with Visitor(self.url, "run", "set=phases.1.requests=300", needs="Save") as visitor:
            await visitor.open(self.limit_s)
            for pause_s in self._pauses(rng):
                await asyncio.sleep(pause_s)
                await visitor.move("Seed", rng.randrange(10**6), self.limit_s)
                await visitor.move("Save", True, self.limit_s)
                self.saved += 1
            self.failures += visitor.problems

    async def flood(self) -> None:
        """Send moves, cleared caches and noise as fast as the connection takes them."""
        rng = random.Random(self.seed)
        await self._hostile_time()
        while self.now_s < self.length_s:
            try:
                async with Visitor(self.url) as visitor:
                    await visitor.open(self.limit_s)
                    for _ in range(rng.randrange(2000)):
                        await visitor.send(self._anything(visitor, rng))
                        await asyncio.sleep(0.01)
            except (OSError, LookupError, TimeoutError, WebSocketException):
                await asyncio.sleep(1)

    @staticmethod
    def _anything(visitor: Visitor, rng: random.Random) -> BackMsg | bytes:
        if rng.random() < 0.001:
            return rng.randbytes(2000)
        if rng.random() < 0.2:
            message = BackMsg()
            message.clear_cache = True
            return message
        message = visitor.changed("Load", round(rng.uniform(-1, 9), 1))
        if rng.random() < 0.1:
            message.rerun_script.query_string = "&".join(["set=seed=1"] * 4000)
        return message

    async def ask_for_too_much(self) -> None:
        """Open what no page may compute, or only just, again and again, and go away."""
        rng = random.Random(self.seed + 1)
        await self._hostile_time()
        while self.now_s < self.length_s:
            try:
                path, query = rng.choice(["", "run", "scenario"]), rng.choice(TOO_MUCH)
                async with Visitor(self.url, path, query) as visitor:
                    await visitor.open(rng.uniform(1, 15))
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(0.1)

    async def watch(self, process: psutil.Process) -> None:
        """Note the server's memory, its workers' included."""
        while self.now_s < self.length_s:
            alive = [process, *process.children(recursive=True)]
            used = 0
            for one in alive:
                try:
                    used += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.memory.append((self.now_s, used / 1e6))
            await asyncio.sleep(min(5.0, self.length_s / 20))

    async def _hostile_time(self) -> None:
        await asyncio.sleep(self.hostile_s)

    def _pauses(self, rng: random.Random) -> Iterator[float]:
        yield rng.uniform(*PAUSE_S) * self.pace  # everybody moves once, however slow the machine
        while self.now_s < self.length_s:
            yield rng.uniform(*PAUSE_S) * self.pace

    def judged(self) -> list[str]:
        """Percentiles before and with the hostile ones, and memory from a third on."""
        before = [m.took_s for m in self.moves if m.at_s < self.hostile_s]
        later = [m for m in self.moves if m.at_s >= self.hostile_s]
        if not before or not later:
            return [] if self.length_s < JUDGED_S and later else ["nobody moved anything"]
        usual = float(np.percentile(before, 95))
        of_each = {
            n: float(np.percentile([m.took_s for m in later if m.visitor == n], 95))
            for n in {m.visitor for m in later}
        }
        memory = [mb for at_s, mb in self.memory if at_s >= self.length_s / 3]
        print(
            f"  {len(self.moves)} moves; median {np.median(before):.2f} s, P95 {usual:.2f} s; with "
            f"the hostile ones {np.median([m.took_s for m in later]):.2f} s and "
            f"{np.percentile([m.took_s for m in later], 95):.2f} s, the worst visitor's P95 "
            f"{max(of_each.values()):.2f} s; {self.saved} runs kept; memory from a third on "
            f"{memory[0]:.0f} MB, at most {max(memory):.0f} MB",
            file=sys.stderr,
        )
        if self.length_s < JUDGED_S:
            return []
        found = [
            f"visitor {n}: P95 {p95:.2f} s, before the hostile ones came everybody's {usual:.2f} s"
            for n, p95 in of_each.items()
            if p95 > 2 * usual
        ]
        if max(memory) > 1.1 * memory[0]:
            found.append(f"memory grew from {memory[0]:.0f} MB to {max(memory):.0f} MB")
        return found


def trial(seed: int, n: int, length_s: float | None = None) -> list[str]:
    """Let `n` visitors work beside two hostile ones; say what went wrong."""
    length_s = length_s or (WHOLE_S if n >= WHOLE else EACH_S * n)
    with Server.studio() as server:
        tried = Trial(server.url, seed, n, length_s)
        asyncio.run(_all(tried, psutil.Process(server.process.pid)))
        kept = len(RunLibrary(Path(server.home)).list())
        said = server.log.read_text(errors="replace")
    found = tried.failures + tried.judged()
    if kept != tried.saved:
        found.append(f"{tried.saved} runs were kept, {kept} are there")
    found += [
        f"the log has {error}" for error in set(re.findall(r"^\w*Error: .*", said, re.MULTILINE))
    ]
    return found


async def _all(tried: Trial, process: psutil.Process) -> None:
    visits = [tried.visit(number) for number in range(tried.sessions)]
    await asyncio.gather(*visits, tried.flood(), tried.ask_for_too_much(), tried.watch(process))


if __name__ == "__main__":
    print(*trial(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])), sep="\n")
