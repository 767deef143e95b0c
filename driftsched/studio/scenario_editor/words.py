"""Field names and rules in the words of the page."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

UNITS = {
    "_rps": "requests/s",
    "_tokens": "tokens",
    "_gb": "GB",
    "_ms": "ms",
    "_s": "s",
}
WHOLE = {
    "cv": "Coefficient of variation",
    "mu": "μ of ln(length)",
    "sigma": "σ of ln(length)",
    "tflops": "TFLOPS (half precision)",
    "fp8_tflops": "TFLOPS (fp8)",
    "bandwidth_gbs": "Memory bandwidth (GB/s)",
    "tdp_w": "Power, at most (W)",
    "idle_w": "Power, idle (W)",
    "link_gbs": "Link, one way (GB/s)",
    "link_latency_us": "Link latency (µs)",
    "host_speed": "Host speed (DGX A100 = 1)",
    "params_b": "Parameters (billions)",
    "tensor_parallel": "GPUs per replica",
    "stack": "Serving program",
    "slo": "SLO",
    "leak": "Prompts name their job type",
    "words_per_token_sd": "Words per token, spread",
    "base_tokens": "Budget (tokens)",
    "max_output_tokens": "Longest answer (tokens)",
    "keywords": "Key words, separated by commas",
    "percentiles": "Percentiles, separated by commas",
    "quantiles": "Quantiles, separated by commas (tokens)",
    "starvation_s": "Starved after (s)",
    "sample_s": "GPU sampling interval (s)",
    "mode": "Batching",
    "lengths": "Answers end",
    "unit": "Lengths counted in",
    "prompt_tokens": "Prompt length",
    "output_tokens": "Answer length",
    "cost": "Cost of an iteration",
    "compensator": "Compensation",
    "detector": "Drift detector",
    "predictor": "Prediction",
    "drain": "Wait until the queue is empty afterwards",
    "pause_s": "Pause afterwards (s)",
    "tenant_arrivals": "Tenants with arrivals of their own",
    "shares": "Other tenant shares in this phase",
    "limits": "Limit",
    "clients": "Which client belongs to which tenant",
    "own_gpus": "GPUs, by their data sheet",
    "own_models": "Models, by their shape",
    "parts": "Parts of the mixture",
    "drift": "Drift events",
    "at_s": "Begins at (s)",
    "for_s": "Lasts (s)",
    "over_s": "Takes (s)",
    "to_s": "Until (s)",
    "of": "Lengths concerned",
    "sd": "Spread of ln(factor)",
    "after": "Try again after",
    "times_s": "Times, separated by commas (s)",
    "rates_rps": "Rates, separated by commas (requests/s)",
    "max_num_batched_tokens": "Tokens in an iteration",
    "kv": "KV cache",
    "block_tokens": "Block of KV cache (tokens)",
    "admit": "Who may join",
    "preempt": "Who gives way",
    "prefix_hit_rate": "Prefix hits",
    "length_correlation": "Rank correlation of lengths",
    "first_token_timeout_s": "Timeout to the first token (s)",
    "timeout_s": "Timeout to the last token (s)",
    "abandonment": "Users hang up",
    "think": "Think time",
    "e2e_s": "End to end (s)",
    "burst": "Burst (requests)",
    "on_error": "Broken rows",
    "every_s": "Looks every (s)",
    "add_above": "Adds one above (waiting per replica)",
    "remove_below": "Takes one away below (waiting per replica)",
    "min_replicas": "Replicas, at least",
    "max_replicas": "Replicas, at most",
    "start_up_s": "Start-up of a new replica (s)",
    "cool_down_s": "No other change for (s)",
}
ACRONYMS = {"gpu": "GPU", "kv": "KV", "ttft": "TTFT", "tpot": "TPOT"}
BOUNDS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}"}
NOTHING = {
    "prompt_tokens": "From the prompt template",
    "arrivals": "None: tenants have their own",
    "abandonment": "Nobody hangs up",
    "cost": "The cluster's",
    "phase": "(whole run)",
    "gpu": "(the cluster's)",
    "model": "(the cluster's)",
    "slots": "batch size",
    "openai.model": "the first it lists",
}
"""Field → what it means that it is left out."""
EXPLAINED = {
    "mode": "Gang: a batch starts together and ends when its longest answer ends (the paper's "
    "program). Continuous: a request joins and leaves at any step, as in vLLM.",
    "lengths": "Naturally: where the model stops by itself; how long that is, is assumed. At the "
    "limit: every answer is as long as its category allows.",
    "unit": "Words are what the paper's program counts; its second version also counts tokens, as "
    "the engine does, about 1.4 a word, and that gap looks like drift.",
    "predictor": "How long answers are taken to be, before compensation.",
    "compensator": "How estimates learn from finished requests.",
    "detector": "At whose alarm a category's compensation begins anew.",
    "classifier": "Who names a request's category. Keyword: key words in the prompt (the paper's). "
    "Oracle: knows the true category.",
}
"""Field → what its values mean, wherever it is chosen."""
SINGULAR = {"drift": "drift event", "categories": "category"}


def singular(name: str) -> str:
    """Noun for one of the items that a field holds."""
    return SINGULAR.get(name, name.replace("_", " ").removesuffix("s"))


def label(name: str, field: FieldInfo | None = None) -> str:
    """Name a field as people say it, with its unit; its own title stands before all."""
    if field is not None and field.title:
        return field.title
    if name in WHOLE:
        return WHOLE[name]
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return f"{label(name.removesuffix(suffix))} ({unit})"
    words = " ".join(ACRONYMS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def hint(field: FieldInfo) -> str | None:
    """Describe a field and its bounds, for the question mark beside it."""
    bounds = [
        text.format(f"{value:g}" if value < 1e9 else f"{value:.3g}")
        for part in field.metadata
        for name, text in BOUNDS.items()
        if isinstance(value := getattr(part, name, None), int | float)
    ]
    described: Any = field.description or ""
    parts = [described[:1].upper() + described[1:], " and ".join(bounds)]
    said = ". ".join(part for part in parts if part)
    return f"{said}." if said else None
