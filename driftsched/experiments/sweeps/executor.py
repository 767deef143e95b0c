"""Where the chunks of a sweep run: in this process, in several, or on a Dask cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from loky import ProcessPoolExecutor
from loky.process_executor import BrokenProcessPool

from driftsched.core.errors import InputError, RunError

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["HERE", "Workers", "workers"]

TaskT = TypeVar("TaskT")
FoundT = TypeVar("FoundT")
AHEAD = 2
"""So many chunks are handed out for each worker, so that none waits for the next."""
LOOK_S = 0.5
CONNECT_S = 20
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Workers(NamedTuple):
    """Who runs a sweep: how many at once, and how they are handed their chunks.

    ``map_unordered(function, chunks)`` gives what the function returns of each chunk, as it comes.
    Chunks are taken from the iterable when somebody has room for one.
    """

    at_once: int
    map_unordered: Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


HERE = Workers(1, map)
"""This process, one chunk after the other."""


@contextmanager
def workers(processes: int = 1, dask: str = "") -> Iterator[Workers]:
    """Start processes, or join a Dask cluster at an address such as ``tcp://10.0.0.1:8786``.

    Whatever ends the block ends the processes, and takes back from a cluster what it has not done.

    Raises
    ------
    InputError
        When there is no such cluster, or Dask is not installed.
    RunError
        From `map_unordered`, when a worker dies.
    """
    if dask:
        with _cluster(dask) as found:
            yield found
    elif processes == 1:
        yield HERE
    else:
        pool = ProcessPoolExecutor(
            processes, initializer=_begin, initargs=(os.getpid(),), env=ONE_THREAD
        )
        try:
            yield Workers(processes, partial(_map_unordered, pool, AHEAD * processes))
        finally:
            pool.shutdown(kill_workers=True)


@contextmanager
def _cluster(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError("dask needs the extra: pip install 'driftsched[dask]'") from None
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"dask must be a cluster's address, got {address}: {reason}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"dask must have workers, got none at {address}")
        pool = client.get_executor()
        try:
            yield Workers(threads, partial(_map_unordered, pool, AHEAD * threads))
        finally:
            pool.shutdown(wait=False)


def _map_unordered(
    pool: Executor,
    most: int,
    function: Callable[[TaskT], FoundT],
    chunks: Iterable[TaskT],
) -> Iterator[FoundT]:
    under_way: set[Future[FoundT]] = set()
    try:
        for chunk in chunks:
            under_way.add(pool.submit(function, chunk))
            if len(under_way) >= most:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process died; what is done is kept: go on with --resume"
        ) from error
    finally:
        for future in under_way:
            future.cancel()


def _begin(parent: int) -> None:
    """Leave Ctrl-C, which a terminal sends to all its processes, to the one that started us.

    And end soon after it, also where it was killed; else a worker would wait for a minute.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)
