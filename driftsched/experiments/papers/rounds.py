"""The model of two papers: rounds of equal length, a token a request each, KV cache that fills."""

from __future__ import annotations

from driftsched.scenario import Scenario, from_yaml

__all__ = ["ASSUMED", "in_rounds"]

SETTINGS = """
schema: 1
name: NAME
seed: 1
tenants: [{name: users, share: 1}]
categories:
  - name: chat
    base_tokens: 256
    max_output_tokens: 1000
    prompt_tokens: {kind: lognormal, mu: 3.77, sigma: 1.64}
    output_tokens: {kind: weibull, shape: 1.03, scale: 259}
prompts: {leak: false}
phases:
  - {name: traffic, requests: REQUESTS, arrivals: {kind: poisson, rate_rps: RATE}, mix: {chat: 1}}
estimator:
  unit: tokens
  predictor: {kind: noisy_oracle, sigma: 0}
  compensator: {kind: none}
  input_factor: {cap: 1}
policy: {kind: sjf}
engine: {mode: continuous, batch_size: 500, kv: paged, block_tokens: 1, admit: past_future}
cluster:
  gpu: A100-80
  model: llama-2-70b
  tensor_parallel: 2
  memory_utilisation: 0.91
  cost: {kind: constant, token_s: 1}
  context_tokens: 4096
"""
ASSUMED = [
    "Lengths are fits of LMSYS arena chats, answers at most 1000 tokens. A round takes a second, "
    "however many are in the batch. Memory is what Llama-2-70B leaves on two A100: 17,089 tokens.",
    "Who joins is decided by Past-Future's look-ahead: all that is to come must fit, by estimates.",
]


def in_rounds(name: str, requests: int, rate: float) -> Scenario:
    """So many requests, `rate` a round, of known lengths, served shortest first."""
    text = SETTINGS.replace("NAME", name).replace("REQUESTS", str(requests))
    return from_yaml(text.replace("RATE", str(rate)))
