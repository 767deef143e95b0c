"""The data-sheet model with its defaults against published measurements, none tuned by row."""

from __future__ import annotations

import pytest

from driftsched.serving import GPUS, MODELS
from driftsched.serving.measurements import predicted, published

LLAMA_3_8B_LINEAR = {1: 9.8, 32: 11.0, 128: 13.3, 256: 19.6, 512: 34.9, 2048: 144.5}
LLAMA_2_70B_DECODE = {1: 44.9, 32: 53.0, 64: 71.6}


@pytest.mark.parametrize(("tokens", "ms"), LLAMA_3_8B_LINEAR.items())
def test_linear_layers_of_llama_3_8b_on_an_a100(tokens: int, ms: float) -> None:
    """Vidur's profile: beyond 15 % the efficiencies or the knee between them are wrong."""
    assert predicted("A100-80", "llama-3-8b", "linear", tokens) == pytest.approx(ms, rel=0.15)


@pytest.mark.parametrize("context", [512, 576, 1200])
@pytest.mark.parametrize(("batch", "ms"), LLAMA_2_70B_DECODE.items())
def test_decode_step_of_llama_2_70b_on_eight_a100(batch: int, ms: float, context: int) -> None:
    """Splitwise: beyond 15 % the split, the host or the all-reduces cost the wrong time."""
    said = predicted(
        "A100-80", "llama-2-70b", "decode", batch, tensor_parallel=8, context_tokens=context
    )
    assert said == pytest.approx(ms, rel=0.15)


def test_prefill_of_llama_2_70b_on_eight_a100() -> None:
    """Splitwise: a prompt of 512 tokens in 94 ms."""
    said = predicted("A100-80", "llama-2-70b", "prefill", 512, tensor_parallel=8)
    assert said == pytest.approx(94, rel=0.15)


@pytest.mark.parametrize(
    ("part", "rows", "mean", "most"),
    [
        ("linear", 46, 0.05, 0.15),
        ("prefill", 38, 0.06, 0.22),
        ("decode", 37, 0.06, 0.15),
        ("power", 16, 0.05, 0.12),
    ],
)
def test_all_published_rows_together(part: str, rows: int, mean: float, most: float) -> None:
    """One set of parameters must carry two GPUs, five models and four degrees of parallelism.

    Two prompts are off by more than 15 %, which their own repeats are too; the documentation says
    so.
    """
    errors = [abs(row.error()) for row in published() if row.part == part]
    assert len(errors) == rows
    assert sum(errors) / rows < mean
    assert sum(error > 0.15 for error in errors) <= (2 if part == "prefill" else 0)
    assert max(errors) < most


def test_a_gpu_that_waits_draws_less() -> None:
    """Full power whatever runs, as it was, overstates the energy of long decoding by half."""
    whole = GPUS["A100-80"].tdp_w
    few = predicted("A100-80", "llama-2-70b", "power", 1, tensor_parallel=8, context_tokens=576)
    many = predicted("A100-80", "llama-3-8b", "power", 64, context_tokens=1000)
    assert few < 0.5 * whole < 0.9 * whole < many <= whole


def test_weights_of_qwen_1_8b_take_12_ms_to_read_on_an_l4() -> None:
    """A weight count or bandwidth that is off would shift every decode step of the paper's runs."""
    seconds = MODELS["qwen1.5-1.8b"].weight_bytes / (GPUS["L4"].bandwidth_gbs * 1e9)
    assert seconds * 1e3 == pytest.approx(12.2, rel=0.02)
