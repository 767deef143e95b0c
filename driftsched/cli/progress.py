"""A progress bar on stderr: only on a terminal, and only for work that takes a while."""

from __future__ import annotations

import sys
import time
from types import TracebackType

__all__ = ["ProgressBar"]

AFTER_S = 0.5
EVERY_S = 0.1
WIDTH = 30


class ProgressBar:
    """A context that is called with the share of the work done, 0 to 1.

    Parameters
    ----------
    label : str
        What is being done.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._shown = sys.stderr.isatty()
        self._started_s = self._drawn_s = time.monotonic()
        self._drawn = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if not self._shown or now - self._started_s < AFTER_S or now - self._drawn_s < EVERY_S:
            return
        self._drawn_s, self._drawn = now, True
        share = min(1.0, max(0.0, share))
        filled = "█" * round(share * WIDTH)
        spent = now - self._started_s
        left = f", {spent * (1 - share) / share:.0f} s left" if share > 0.01 else ""
        sys.stderr.write(f"\r\x1b[K{self.label} {filled:░<{WIDTH}} {share:4.0%}{left}")
        sys.stderr.flush()
