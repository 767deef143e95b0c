"""What serves the requests of a queue, as far as a policy may know it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Server"]


class Server(NamedTuple):
    """What serves a queue, as its gateway knows it: of a modelled engine, or of the one measured.

    Attributes
    ----------
    prompt_s, token_s : float
        Seconds that a token of a prompt takes, and a token of an answer beside a full batch.
    seats, kv_tokens : float
        Requests that decode at once, and tokens that they hold, on one replica.
    replicas : float
        How many serve this queue.
    """

    prompt_s: float
    token_s: float
    seats: float
    kv_tokens: float
    replicas: float = 1.0
