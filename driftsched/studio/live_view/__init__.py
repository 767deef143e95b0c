"""The live view: four plots that stay mounted while a run is played or grows.

>>> from driftsched.studio.live_view import live_view, run_payload  # doctest: +SKIP
>>> live_view(run_payload(run_id, "FIFO", tables, colours), key="run")  # doctest: +SKIP
"""

from __future__ import annotations

from driftsched.studio.live_view.component import live_view, resend_wanted
from driftsched.studio.live_view.payload import live_payload, run_payload

__all__ = ["live_payload", "live_view", "resend_wanted", "run_payload"]
