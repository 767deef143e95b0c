"""What an iteration costs: seconds as a function of the tokens in it and the KV cache read.

The functions are written once, for Python and for the compiled engine: their ``cost`` is an
`IterationCost`, or a record with the same fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from driftsched.serving.curve import Curve, curve_at, curve_total

__all__ = [
    "COEFFICIENTS",
    "IterationCost",
    "boundary_after",
    "decode_fixed_s",
    "decode_seconds",
    "iteration_seconds",
    "iterations_past",
    "linear_seconds",
]

COEFFICIENTS = (
    *("overhead_s", "weights_s", "token_s", "kv_token_s", "attention_s", "host_s"),
    *("kernel_s", "wire_s", "wire_token_s", "request_s", "prompt_s", "slowdown"),
)
"""The numbers of a cost, in order."""


def linear_seconds(cost: IterationCost, tokens: int) -> float:
    """Seconds of the linear layers alone over `tokens` tokens, as measured where it was."""
    if cost.by_tokens.rows > 0:
        return curve_at(cost.by_tokens, tokens)
    compute = cost.token_s * tokens
    return cost.kernel_s + sqrt(cost.weights_s * cost.weights_s + compute * compute)


def fixed_seconds(cost: IterationCost, tokens: int) -> float:
    """Seconds of an iteration over `tokens` tokens, without KV cache, requests and prompts."""
    gpu = linear_seconds(cost, tokens) + cost.wire_s + cost.wire_token_s * tokens
    if cost.host_s != 0:
        gpu = sqrt(cost.host_s * cost.host_s + gpu * gpu)
    return cost.overhead_s + gpu


def iteration_seconds(
    cost: IterationCost,
    tokens: int,
    kv_tokens: int,
    squared_prompts: int,
    requests: int,
    prompts: int,
) -> float:
    """Seconds of one iteration; see `IterationCost.iteration`."""
    read = curve_at(cost.by_kv, kv_tokens) if cost.by_kv.rows > 0 else cost.kv_token_s * kv_tokens
    seconds = (
        fixed_seconds(cost, tokens)
        + cost.request_s * requests
        + cost.prompt_s * prompts
        + read
        + cost.attention_s * squared_prompts
    )
    return cost.slowdown * seconds


def decode_fixed_s(cost: IterationCost, running: int) -> float:
    """Seconds of a decode iteration of `running` requests without reading the KV cache."""
    return fixed_seconds(cost, running) + cost.request_s * running


def decode_seconds(cost: IterationCost, iterations: int, running: int, kv_tokens: int) -> float:
    """Seconds of `iterations` decode iterations in which nobody joins or leaves.

    The KV cache read grows by `running` an iteration, so the sum has a closed form: the jump-ahead.
    ``cost.decode_s[n]`` is `decode_fixed_s` of n, kept.

    Parameters
    ----------
    iterations : int
        How many, 0 or more.
    running : int
        Requests that decode, one token each an iteration.
    kv_tokens : int
        Tokens of KV cache that the first iteration reads.
    """
    fixed = iterations * cost.decode_s[running]
    if cost.by_kv.rows > 0:
        read = curve_total(cost.by_kv, kv_tokens, running, iterations)
    else:
        grown = kv_tokens * iterations + running * (iterations * (iterations - 1) // 2)
        read = cost.kv_token_s * grown
    return cost.slowdown * (fixed + read)


def iterations_past(cost: IterationCost, seconds: float, running: int, kv_tokens: int) -> int:
    """Fewest decode iterations, at least one, that last `seconds`.

    The root of the closed form, rounded down, is at most one iteration short; a measured table has
    no root and is searched by bisection, since decoding never gets shorter with its length.
    """
    if cost.by_kv.rows > 0:
        return iterations_by_bisection(cost, seconds, running, kv_tokens)
    part = seconds / cost.slowdown
    a = cost.kv_token_s * running / 2
    b = cost.decode_s[running] + cost.kv_token_s * kv_tokens - a  # the first iteration's, less a
    steps = max(1, int(2 * part / (b + sqrt(b * b + 4 * a * part))))
    if decode_seconds(cost, steps, running, kv_tokens) < seconds:
        steps += 1
    return steps


def iterations_by_bisection(
    cost: IterationCost, seconds: float, running: int, kv_tokens: int
) -> int:
    """The same for a measured table."""
    high = 1
    while decode_seconds(cost, high, running, kv_tokens) < seconds:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if decode_seconds(cost, middle, running, kv_tokens) < seconds:
            low = middle
        else:
            high = middle
    return high


def boundary_after(
    cost: IterationCost, start_s: float, time_s: float, running: int, kv_tokens: int
) -> int:
    """Iterations from `start_s` to the first boundary between them at or after `time_s`."""
    steps = iterations_past(cost, time_s - start_s, running, kv_tokens)
    if start_s + decode_seconds(cost, steps, running, kv_tokens) < time_s:  # by rounding
        steps += 1
    return steps


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

    gpu = kernel + √(weights² + (token · n)²) + wire + wire_token · n; n tokens, r requests, j new
    prompts, K tokens of KV cache read, S squared prompt tokens. The inner root of squares follows
    the measured knee between memory-bound and compute-bound iterations, which a hard maximum does
    not; the outer one the host that starts kernels while the GPU runs earlier ones.

    Parameters
    ----------
    overhead_s, weights_s : float
        Seconds an iteration: fixed, and to read the weights.
    token_s, kv_token_s, attention_s : float
        Seconds a token computed, a token of KV cache read, a squared prompt token.
    host_s : float
        Seconds an iteration in which the host starts the kernels.
    kernel_s : float
        Seconds an iteration in which kernels start and end, however little they have to do.
    wire_s, wire_token_s : float
        Seconds of all-reduces between GPUs: an iteration, a token.
    request_s, prompt_s : float
        Seconds a request in the iteration, a prompt that begins in it.
    slowdown : float
        Factor on every iteration, above 0.
    by_tokens, by_kv : Curve, optional
        Seconds as measured, in place of kernel and the inner root of squares, and of kv · K.

    Attributes
    ----------
    decode_s : mapping of int to float
        `decode_fixed_s` by the number of requests.
    """

    __slots__ = (*COEFFICIENTS, "by_kv", "by_tokens", "decode_s")

    def __init__(
        self,
        overhead_s: float,
        weights_s: float,
        token_s: float,
        kv_token_s: float,
        attention_s: float,
        *,
        host_s: float = 0.0,
        kernel_s: float = 0.0,
        wire_s: float = 0.0,
        wire_token_s: float = 0.0,
        request_s: float = 0.0,
        prompt_s: float = 0.0,
        slowdown: float = 1.0,
        by_tokens: Curve | None = None,
        by_kv: Curve | None = None,
    ) -> None:
        self.overhead_s = overhead_s
        self.weights_s = weights_s
        self.token_s = token_s
        self.kv_token_s = kv_token_s
        self.attention_s = attention_s
        self.host_s = host_s
        self.kernel_s = kernel_s
        self.wire_s = wire_s
        self.wire_token_s = wire_token_s
        self.request_s = request_s
        self.prompt_s = prompt_s
        self.slowdown = slowdown
        self.by_tokens = by_tokens or Curve()
        self.by_kv = by_kv or Curve()
        self.decode_s = _Once(lambda running: decode_fixed_s(self, running))

    @property
    def coefficients(self) -> Sequence[float]:
        """Its numbers, in the order of `COEFFICIENTS`."""
        return [getattr(self, name) for name in COEFFICIENTS]

    def slowed(self, factor: float) -> IterationCost:
        """Return the same cost, every iteration longer by a factor above 0."""
        own = dict(zip(COEFFICIENTS, self.coefficients, strict=True)) | {"slowdown": factor}
        return IterationCost(**own, by_tokens=self.by_tokens, by_kv=self.by_kv)

    def linear(self, tokens: int) -> float:
        """Seconds of the linear layers alone over `tokens` tokens."""
        return linear_seconds(self, tokens)

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
        return iteration_seconds(self, tokens, kv_tokens, squared_prompts, requests, prompts)

    def decode_seconds(self, iterations: int, running: int, kv_tokens: int) -> float:
        """Seconds of decode iterations; see the function of this name."""
        return decode_seconds(self, iterations, running, kv_tokens)

    def iterations_past(self, seconds: float, running: int, kv_tokens: int) -> tuple[int, float]:
        """Fewest decode iterations that last `seconds`, and how long they do."""
        steps = iterations_past(self, seconds, running, kv_tokens)
        return steps, decode_seconds(self, steps, running, kv_tokens)
