"""CPU and memory of this process and its children."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import psutil

__all__ = ["ProcessProbe"]


class ProcessProbe:
    """Reads processor time and resident memory of a process and all that it has started.

    Parameters
    ----------
    pid : int, optional
        By default this process, where the torch engine runs too. A server that somebody else
        started is not among its children.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._spent_s: dict[int, float] = {}
        self._read_s = 0.0
        self.read()

    def read(self) -> dict[str, float]:
        """process_cpu (cores busy since the last reading) and process_memory_mb, resident."""
        now, memory, spent = time.perf_counter(), 0, {}
        for process in (self._process, *self._children()):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue  # it has just ended, or is not ours to see
            spent[process.pid] = times.user + times.system
        # A child counts from its second reading on, so that one found late adds no past time.
        used = sum(s - self._spent_s[pid] for pid, s in spent.items() if pid in self._spent_s)
        passed, self._read_s, self._spent_s = now - self._read_s, now, spent
        return {"process_cpu": max(used, 0.0) / passed, "process_memory_mb": memory / 1e6}

    async def sample(self) -> Mapping[int, Mapping[str, float]]:
        """Do the same as `read`, off the event loop, as figures of the first replica."""
        return {0: await asyncio.to_thread(self.read)}

    def _children(self) -> list[psutil.Process]:
        try:
            children: list[psutil.Process] = self._process.children(recursive=True)
        except psutil.Error:
            return []
        return children
