"""An iteration's cost from data sheets: roofline, tensor parallelism, serving stack."""

from __future__ import annotations

from driftsched.serving.catalogue import Gpu, Model, Stack
from driftsched.serving.iteration import IterationCost

__all__ = ["all_reduce_s", "roofline_cost"]

HALF = 2
"""Bytes of an activation."""
KERNELS = 9
"""Kernels a layer: two norms, query-key-value, rotation, output, up, activation, down, residual."""
UNSPLIT_BYTES = 24
"""Bytes moved a token, layer and hidden element that tensor parallelism leaves whole: two norms and
a residual read and write two half-precision numbers each. On one GPU they are part of its MFU."""


def all_reduce_s(gpu: Gpu, tensor_parallel: int, link_efficiency: float) -> tuple[float, float]:
    """Cost of a ring all-reduce over the GPUs of a replica.

    A ring takes 2(N - 1) steps, each with the link's latency and 1/N of the message, so
    t = 2(N - 1) · latency + 2(N - 1)/N · bytes / bandwidth (Patarasuk and Yuan 2009; Thakur,
    Rabenseifner and Gropp 2005).

    Parameters
    ----------
    gpu : Gpu
        Its link's latency and bandwidth.
    tensor_parallel : int
        GPUs N of the replica, at least 1.
    link_efficiency : float
        Share of the link's bandwidth that is reached, above 0 and up to 1.

    Returns
    -------
    tuple of float
        Seconds a call, and seconds a byte of the message; both 0 for one GPU.
    """
    steps = 2 * (tensor_parallel - 1)
    bandwidth = link_efficiency * gpu.link_gbs * 1e9
    return steps * gpu.link_latency_us * 1e-6, steps / tensor_parallel / bandwidth


def roofline_cost(
    gpu: Gpu,
    model: Model,
    stack: Stack,
    *,
    tensor_parallel: int = 1,
    memory_efficiency: float,
    compute_efficiency: float,
    link_efficiency: float,
    overhead_s: float = 0.0,
) -> IterationCost:
    """Coefficients of a model on N GPUs that share its layers (Megatron's tensor parallelism).

    With P parameters, L layers, hidden size h, n tokens and BW, FLOPS times their efficiencies:

    - weights = bytes(P) / N / BW and token = 2P / N / FLOPS; both split evenly
    - kv = 2 · 2 · L · kv_heads · head size / min(N, kv_heads) / BW a token: split by head, no finer
    - kernel = 9 · L kernels that take the GPU's `kernel_us` with next to no work
    - attention = 2 · L · h / N / FLOPS a squared prompt token (causal: half of 4 · L · h)
    - two all-reduces of n · h half-precision numbers a layer (Shoeybi et al. 2019), see
      `all_reduce_s`: 2L · latency an iteration, 2L · 2h · s a token
    - norms and residuals are not split: (1 - 1/N) · L · h · 24 bytes / BW a token
    - from the stack: its times of the host, and L · heads · score_bytes / BW a squared prompt token

    Parameters
    ----------
    gpu, model, stack : Gpu, Model and Stack
        Rows of the catalogue, or of the scenario's own.
    tensor_parallel : int
        GPUs N that share the model, at least 1.
    memory_efficiency, compute_efficiency, link_efficiency : float
        Shares of the data sheet's bandwidth, FLOPS and link bandwidth that are reached, above 0
        and up to 1.
    overhead_s : float
        Seconds an iteration beyond all this.
    """
    bytes_s = memory_efficiency * gpu.bandwidth_gbs * 1e9
    fp8 = model.weights == "fp8" and gpu.fp8_tflops is not None
    flops = compute_efficiency * ((gpu.fp8_tflops or 0.0) if fp8 else gpu.tflops) * 1e12
    half_flops = compute_efficiency * gpu.tflops * 1e12
    call_s, byte_s = all_reduce_s(gpu, tensor_parallel, link_efficiency)
    calls = 2 * model.layers
    wide = model.layers * model.hidden
    unsplit_s = (1 - 1 / tensor_parallel) * wide * UNSPLIT_BYTES / bytes_s
    scores_s = model.layers * model.heads * stack.score_bytes / bytes_s
    return IterationCost(
        overhead_s=overhead_s,
        weights_s=model.weight_bytes / tensor_parallel / bytes_s,
        token_s=2 * model.params / tensor_parallel / flops + unsplit_s,
        kv_token_s=model.kv_bytes_per_token / model.kv_shards(tensor_parallel) / bytes_s,
        attention_s=2 * wide / tensor_parallel / half_flops + scores_s,
        kernel_s=KERNELS * model.layers * gpu.kernel_us * 1e-6,
        host_s=stack.layer_us * 1e-6 * model.layers / gpu.host_speed,
        wire_s=calls * call_s,
        wire_token_s=calls * HALF * model.hidden * byte_s,
        request_s=stack.request_ms * 1e-3,
        prompt_s=stack.prompt_ms * 1e-3,
    )
