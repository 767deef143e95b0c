"""The server's end of a worker process."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["WorkerProcess"]

POLL_S = 0.05


class WorkerProcess:
    """One ``driftsched.studio.worker``; it ends when this process ends, since its pipe closes.

    Parameters
    ----------
    threads : int, optional
        Threads that numeric libraries may use there; None leaves that to them.
    """

    def __init__(self, threads: int | None = 1) -> None:
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if threads else ()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "driftsched.studio.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | dict.fromkeys(names, str(threads)) | {"PYTHONPATH": path},
        )
        self._over = threading.Event()
        self._messages: queue.Queue[tuple[Any, ...]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process can take another task."""
        # a process that dies closes its pipe first; only a moment later does `poll` tell
        return not self._over.is_set() and self._process.poll() is None

    def run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        unwanted: threading.Event,
        tell: Callable[[float, Any], None],
        grace_s: float,
    ) -> tuple[Any, ...]:
        """Carry out one task and return the worker's last message about it.

        `tell` gets the share done and what the task hands over on its way. Once `unwanted` is set
        the task is asked to stop; after `grace_s` the process is ended.
        """
        task = pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
        if not self._write(task):
            return ("failed", "the worker process has ended")
        asked: float | None = None
        while True:
            if unwanted.is_set() and asked is None:
                asked = time.monotonic()
                self._write(pickle.dumps("cancel"))
            if asked is not None and time.monotonic() - asked > grace_s:
                self.close()
                return ("cancelled",)
            try:
                message = self._messages.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message[0] == "progress":
                tell(*message[1:])
            elif message[0] != "ready":
                return message

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be written has nowhere to go
                    continue

    def _write(self, data: bytes) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def _listen(self) -> None:
        assert self._process.stdout is not None
        source = self._process.stdout
        while True:
            try:
                self._messages.put(pickle.load(source))  # noqa: S301  our worker writes it
            # end of file, or half a message: the process is gone
            except Exception as error:  # noqa: BLE001  half a pickle may raise anything
                self._over.set()
                self._messages.put(("failed", f"the worker process ended early ({_why(error)})"))
                return


def _why(error: Exception) -> str:
    return "out of memory?" if isinstance(error, EOFError) else str(error)
