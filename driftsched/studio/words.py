"""Labels and explanations that several pages use."""

from __future__ import annotations

import math

__all__ = ["METRICS", "POLICY_HELP", "choice_label", "duration", "percent_change", "policy_label"]

_POLICIES = {
    "fifo": ("FIFO", "first come, first served"),
    "priority": ("Priority", "premium before standard before batch"),
    "weighted": ("Weighted", "tenants take turns, as many as their weight"),
    "sjf": ("SJF", "shortest job first, by its estimated length"),
    "aging": ("Aging", "priority that rises while waiting"),
}
POLICY_HELP = "\n".join(f"- **{label}**: {rule}" for label, rule in _POLICIES.values())

METRICS = {
    "e2e_s": ("End to end", "from arrival to the last token"),
    "ttft_s": ("First token", "time to first token (TTFT): from arrival to the first token"),
    "queue_wait_s": ("Queue wait", "from arrival until the GPU takes the request"),
}
"""Column → label and meaning of the latencies a user can choose."""


def policy_label(name: str) -> str:
    """Name of a policy as people say it; an unregistered one is title-cased."""
    return _POLICIES.get(name, (name.replace("_", " ").title(), ""))[0]


_CHOICES = {
    "gang": "Gang",
    "continuous": "Continuous",
    "words": "Words",
    "tokens": "Tokens",
    "natural": "Naturally",
    "capped": "At the limit",
    "none": "None",
    "ema": "EMA (the paper's)",
    "oracle": "Oracle",
    "mmpp": "On/off bursts (MMPP)",
    "gamma": "Gamma",
    "diurnal": "Daily curve",
    "piecewise": "Curve through points",
    "empirical": "Measured quantiles",
    "per_replica": "One per replica",
    "central": "One for all replicas",
    "reserve": "Reserve for the longest answer",
    "paged": "Block by block (paged)",
    "last_admitted": "Last admitted",
    "lowest_rank": "Last in the policy's order",
}


def choice_label(name: str) -> str:
    """Label of a setting's value; an unknown one is title-cased."""
    return _CHOICES.get(name, name.replace("_", " ").title())


def duration(seconds: float) -> str:
    """Seconds as a short text: 12 ms, 3.4 s, 487 s, 2 h 5 min; "–" where unknown."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def percent_change(new: float, old: float) -> str:
    """Relative change as a text, -42 %; "–" where it cannot be told."""
    if not (math.isfinite(new) and math.isfinite(old)) or old == 0:
        return "–"
    return f"{100 * (new - old) / old:+.0f} %"
