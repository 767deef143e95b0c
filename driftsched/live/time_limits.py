"""Time limits of one call: to its first token, between tokens, in all."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftsched.live.flight import Flight
    from driftsched.live.options import LiveOptions

__all__ = ["TimeLimits"]


class TimeLimits:
    """Cancels the current task when its call is past a limit, and says which.

    One timer a call, set anew only when it goes off: a token costs nothing here.

    Attributes
    ----------
    passed : str
        The limit that was passed, in words; empty while none was.
    """

    def __init__(self, options: LiveOptions, flight: Flight) -> None:
        self.passed = ""
        self._options = options
        self._flight = flight
        self._task = asyncio.current_task()
        self._clock = flight.clock
        self._end_s = self._clock() + options.timeout_s
        self._attempt_s = inf
        self._timer: asyncio.TimerHandle | None = None
        self._check()

    def attempt(self) -> None:
        """An attempt starts: from now on its first token is waited for."""
        self._attempt_s = self._clock()
        self._check()

    def between_attempts(self) -> None:
        """An attempt has failed; only the limit of the whole call counts until the next."""
        self._attempt_s = inf

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> tuple[float, str]:
        """The limit that comes first, and its words."""
        options, flight = self._options, self._flight
        whole = (self._end_s, f"no end after {options.timeout_s:g} s")
        if flight.tokens:
            stalled = flight.last_token_s + options.stall_timeout_s
            words = f"no further token for {options.stall_timeout_s:g} s after {flight.tokens}"
            return min(whole, (stalled, words))
        first = self._attempt_s + options.first_token_timeout_s
        return min(whole, (first, f"no first token after {options.first_token_timeout_s:g} s"))

    def _check(self) -> None:
        self.stop()
        at, words = self._next()
        left = at - self._clock()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._check)
        elif self._task is not None and not self._task.cancelling():
            self.passed = words
            self._task.cancel()
