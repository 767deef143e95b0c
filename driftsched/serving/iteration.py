"""What an iteration costs: seconds as a function of the tokens in it and the KV cache read."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CostArrays", "IterationCost"]

Floats = NDArray[np.float64]
NONE: Floats = np.empty(0)


class CostArrays(NamedTuple):
    """A cost as flat arrays, for compiled code.

    With k[0…9] the coefficients and n tokens, r requests, j new prompts, K tokens of KV cache,
    S squared prompt tokens,

    - linear = table(iteration_tokens, iteration_s; n), or, where that is empty, √(k1² + (k2·n)²)
    - gpu = linear + k6 + k7·n
    - fixed = k0 + (gpu if k5 = 0, else √(k5² + gpu²))
    - read = table(kv_tokens, kv_s; K), or, where that is empty, k3·K
    - t = fixed + k8·r + k9·j + read + k4·S

    A table is piecewise linear; `TableCost` says how it goes on beyond its rows.

    Attributes
    ----------
    coefficients : array, shape (10,)
        overhead_s, weights_s, token_s, kv_token_s, attention_s, host_s, wire_s, wire_token_s,
        request_s, prompt_s.
    iteration_tokens, iteration_s, kv_tokens, kv_s : arrays
        Rows of the measured tables, ascending; empty where there is none.
    """

    coefficients: Floats
    iteration_tokens: Floats = NONE
    iteration_s: Floats = NONE
    kv_tokens: Floats = NONE
    kv_s: Floats = NONE


class _Once(dict[int, float]):
    """Values of a function of a whole number, computed once each; it forgets when it is full."""

    MOST = 1 << 16

    def __init__(self, function: Callable[[int], float]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, number: int) -> float:
        if len(self) >= self.MOST:
            self.clear()
        value = self[number] = self.function(number)
        return value


class IterationCost:
    """t = overhead + √(host² + gpu²) + request · r + prompt · j + kv · K + attention · S.

    gpu = √(weights² + (token · n)²) + wire + wire_token · n; n tokens, r requests, j new prompts,
    K tokens of KV cache read, S squared prompt tokens. The inner root of squares follows the
    measured knee between memory-bound and compute-bound iterations, which a hard maximum does not;
    the outer one the host that starts kernels while the GPU runs earlier ones.

    Parameters
    ----------
    overhead_s, weights_s : float
        Seconds an iteration: fixed, and to read the weights.
    token_s, kv_token_s, attention_s : float
        Seconds a token computed, a token of KV cache read, a squared prompt token.
    host_s : float
        Seconds an iteration in which the host starts the kernels.
    wire_s, wire_token_s : float
        Seconds of all-reduces between GPUs: an iteration, a token.
    request_s, prompt_s : float
        Seconds a request in the iteration, a prompt that begins in it.
    """

    __slots__ = (
        "_decode_s",
        "_fixed_s",
        "attention_s",
        "host_s",
        "kv_token_s",
        "overhead_s",
        "prompt_s",
        "request_s",
        "token_s",
        "weights_s",
        "wire_s",
        "wire_token_s",
    )

    def __init__(
        self,
        overhead_s: float,
        weights_s: float,
        token_s: float,
        kv_token_s: float,
        attention_s: float,
        *,
        host_s: float = 0.0,
        wire_s: float = 0.0,
        wire_token_s: float = 0.0,
        request_s: float = 0.0,
        prompt_s: float = 0.0,
    ) -> None:
        self.overhead_s = overhead_s
        self.weights_s = weights_s
        self.token_s = token_s
        self.kv_token_s = kv_token_s
        self.attention_s = attention_s
        self.host_s = host_s
        self.wire_s = wire_s
        self.wire_token_s = wire_token_s
        self.request_s = request_s
        self.prompt_s = prompt_s
        self._fixed_s = _Once(self.fixed)
        self._decode_s = _Once(self._decode)

    def linear(self, tokens: int) -> float:
        """Seconds of the linear layers alone over `tokens` tokens."""
        compute = self.token_s * tokens
        return sqrt(self.weights_s * self.weights_s + compute * compute)

    def fixed(self, tokens: int) -> float:
        """Seconds of an iteration over `tokens` tokens, without KV cache, requests and prompts."""
        gpu = self.linear(tokens) + self.wire_s + self.wire_token_s * tokens
        if self.host_s:
            gpu = sqrt(self.host_s * self.host_s + gpu * gpu)
        return self.overhead_s + gpu

    def kv(self, tokens: int) -> float:
        """Seconds to read `tokens` tokens of KV cache."""
        return self.kv_token_s * tokens

    def iteration(
        self,
        tokens: int,
        kv_tokens: int,
        squared_prompts: int = 0,
        requests: int | None = None,
        prompts: int | None = None,
    ) -> float:
        """Seconds of one iteration.

        Parameters
        ----------
        tokens : int
            All tokens in it: those of prompts being prefilled, one for each decoding request.
        kv_tokens : int
            Tokens of cached context read by the decoding requests.
        squared_prompts : int
            Sum of end² − start² over the chunks of prompts in it; a whole prompt is its length².
        requests : int, optional
            Requests in it. Left out: as many as tokens, or, with squared prompts, one.
        prompts : int, optional
            Prompts whose first chunk is in it. Left out: none, or, with squared prompts, one.
        """
        if requests is None:
            requests = 1 if squared_prompts else tokens
        if prompts is None:
            prompts = 1 if squared_prompts else 0
        return (
            self._fixed_s[tokens]
            + self.request_s * requests
            + self.prompt_s * prompts
            + self.kv(kv_tokens)
            + self.attention_s * squared_prompts
        )

    def decode_seconds(self, iterations: int, running: int, kv_tokens: int) -> float:
        """Seconds of `iterations` decode iterations in which nobody joins or leaves.

        The KV cache read grows by `running` an iteration, so the sum has a closed form: the
        jump-ahead.

        Parameters
        ----------
        iterations : int
            How many, 0 or more.
        running : int
            Requests that decode, one token each an iteration.
        kv_tokens : int
            Tokens of KV cache that the first iteration reads.
        """
        grown = kv_tokens * iterations + running * (iterations * (iterations - 1) // 2)
        return iterations * self._decode_s[running] + self.kv_token_s * grown

    def iterations_past(self, seconds: float, running: int, kv_tokens: int) -> tuple[int, float]:
        """Fewest iterations (at least one) of a stretch that last `seconds`, and how long they do.

        The root of the closed form, rounded down, is at most one iteration short. `running` and
        `kv_tokens` are those of `decode_seconds`.

        Returns
        -------
        (int, float)
            Iterations, and the seconds they take, at least `seconds`.
        """
        a = self.kv_token_s * running / 2
        b = (
            self._decode_s[running] + self.kv_token_s * kv_tokens - a
        )  # the first iteration's, less a
        steps = int(2 * seconds / (b + sqrt(b * b + 4 * a * seconds))) or 1
        lasting = self.decode_seconds(steps, running, kv_tokens)
        if lasting < seconds:
            steps += 1
            lasting = self.decode_seconds(steps, running, kv_tokens)
        return steps, lasting

    def arrays(self) -> CostArrays:
        """The same cost as flat arrays."""
        return CostArrays(
            np.array(
                [
                    self.overhead_s,
                    self.weights_s,
                    self.token_s,
                    self.kv_token_s,
                    self.attention_s,
                    self.host_s,
                    self.wire_s,
                    self.wire_token_s,
                    self.request_s,
                    self.prompt_s,
                ]
            )
        )

    def _decode(self, running: int) -> float:
        """Seconds of a decode iteration without reading the KV cache."""
        return self.fixed(running) + self.request_s * running
