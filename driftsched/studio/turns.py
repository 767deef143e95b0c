"""Whose page is made next: few at once, and none of one visitor's before all of the others'.

Pages share one interpreter. Many that are made side by side take it from each other in the middle
of things, wait for the same locks, and all are late; one after the other each is soon there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

AT_ONCE = 1
PATIENCE_S = 2.0
"""So long a page waits for those before it: one may wait for something else, an endpoint say."""
SHARE, CREDIT_S = 0.25, 3.0
"""Of a core, what one session's pages may take in the long run, and what at once."""
_OWED = "owed"
_places = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()


@contextmanager
def my_turn() -> Iterator[None]:
    """Make a page when it is its turn.

    A session that asks without a pause waits longer, so that the others' pages get through.
    """
    owed_s, then = st.session_state.get(_OWED, (0.0, 0.0))
    owed_s = max(0.0, owed_s - SHARE * (time.monotonic() - then))
    time.sleep(max(0.0, owed_s - CREDIT_S) / SHARE)
    _come()
    then, used_s = time.monotonic(), time.thread_time()
    try:
        yield
    finally:
        _go()
        owed_s = min(owed_s, CREDIT_S) + time.thread_time() - used_s
        st.session_state[_OWED] = (owed_s, then)


@contextmanager
def others_turn() -> Iterator[None]:
    """Let others make their pages meanwhile, for a page that waits."""
    had = _go()
    try:
        yield
    finally:
        if had:
            _come()


def _come() -> None:
    _mine.place = _places.acquire(timeout=PATIENCE_S)


def _go() -> bool:
    had = getattr(_mine, "place", False)
    if had:
        _places.release()
    _mine.place = False
    return had
