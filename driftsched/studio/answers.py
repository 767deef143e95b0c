"""What threads of the server itself compute: fast work that lets go of the interpreter."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import streamlit as st

from driftsched.core.errors import CancelledError

__all__ = ["Answers", "answers"]

Advance = Callable[[float], None]
Make = Callable[[Advance], Any]


class Answers:
    """Computes answers in threads and keeps the last ones; equal questions are answered once.

    Parameters
    ----------
    threads : int
        Answers under way at most; more wait in line.
    keep : int
        Weight of the answers kept, the least recently used goes first; one alone always stays.
    """

    def __init__(self, threads: int, keep: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="answer")
        self._keep = keep
        self._kept: OrderedDict[str, tuple[Future[Any], int]] = OrderedDict()
        self._wanted: dict[str, str] = {}
        self._lock = threading.Lock()

    def ask(self, key: str, make: Make, weight: int, owner: str = "") -> Future[Any]:
        """Ask for ``make(progress)``; it may call ``progress(share)``, which ends what is unwanted.

        Parameters
        ----------
        key : str
            Names the question: same key, same answer.
        weight : int
            How much room the answer takes.
        owner : str
            Who asks; asking something else gives up the owner's former question.
        """
        with self._lock:
            if owner:
                self._wanted[owner] = key
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            future = self._threads.submit(make, lambda _: self._check(key, owner))
            self._kept[key] = (future, weight)
            while len(self._kept) > 1 and sum(w for _, w in self._kept.values()) > self._keep:
                self._kept.popitem(last=False)
        future.add_done_callback(lambda done: self._forget_failed(key, done))
        return future

    def known(self, key: str) -> Future[Any] | None:
        """Answer to a former question, where it is still kept; it may be under way."""
        with self._lock:
            return self._kept[key][0] if key in self._kept else None

    def _check(self, key: str, owner: str) -> None:
        if owner and key not in self._wanted.values():
            raise CancelledError("nobody waits for this any more")

    def _forget_failed(self, key: str, future: Future[Any]) -> None:
        """A failure is told to those who wait; whoever asks next has it tried again."""
        if future.cancelled() or future.exception() is not None:
            with self._lock:
                if key in self._kept and self._kept[key][0] is future:
                    del self._kept[key]


@st.cache_resource(show_spinner=False)
def answers() -> Answers:
    """The server's one set of answers, with room for some millions of simulated requests."""
    return Answers(max(2, os.cpu_count() or 1), keep=4_000_000)
