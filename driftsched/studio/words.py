"""Labels and explanations that several pages use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from driftsched.charts.labels import policy_label
from driftsched.core.mechanism import Mechanism
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.results.wording import duration
from driftsched.scheduling.policies import POLICIES
from driftsched.scheduling.routers import ROUTERS

ADDRESS = re.compile(
    r"(?<=:\\//)|(?<=@)|(?<=www)(?=\.)|(?<=:)(?=[\w+/-]+(?::|\\\[))", re.IGNORECASE
)
"""Where an address, or the name of an icon or of a colour, is parted."""


def rules(kinds: Mapping[str, type[Mechanism]]) -> str:
    """All kinds of a mechanism and their rules, as Markdown."""
    return "\n".join(f"- **{kind.label}**: {kind.rule}" for kind in kinds.values())


POLICY_HELP = rules(POLICIES)

METRICS = {
    "e2e_s": ("End to end", "from arrival to the last token"),
    "ttft_s": ("First token", "time to first token (TTFT): from arrival to the first token"),
    "tpot_s": ("Per token", "time per output token after the first (TPOT)"),
    "queue_wait_s": ("Queue wait", "from arrival until the GPU takes the request"),
}
"""Column → label and meaning of the latencies a user can choose."""


_CHOICES = {
    "natural": "Naturally",
    "capped": "At the limit",
    "mmpp": "On/off bursts (MMPP)",
    "diurnal": "Daily curve",
    "piecewise": "Curve through points",
    "empirical": "Measured quantiles",
    "per_replica": "One per replica",
    "central": "One for all replicas",
    "reserve": "Reserve for the longest answer",
    "paged": "Block by block (paged)",
    "first_fit": "Whose prompt has room",
    "past_future": "With room for all to come (Past-Future)",
    "last_admitted": "Last admitted",
    "lowest_rank": "Lowest tier, last to arrive",
    "slow_down": "Slow-down",
    "scale_out": "Replicas are added",
    "scale_in": "Replicas leave",
    "autoscale": "Autoscaler",
    "lower_first": "Lower first (vLLM)",
    "higher_first": "Higher first (SGLang)",
}


def choice_label(name: str) -> str:
    """Label of a setting's value, a mechanism's too; an unknown one is title-cased."""
    for registry in (COMPENSATORS, DETECTORS, PREDICTORS, ROUTERS):
        if name in registry:
            return registry[name].label
    return _CHOICES.get(name) or policy_label(name)


def plain(text: object) -> str:
    """Text of somebody else's as Markdown that shows just that: no link, no picture, no style.

    What looks like an address becomes a link even where all its signs are escaped, so an invisible
    one parts it: a word joiner.
    """
    line = re.sub(r"([\\`*_{}\[\]<>#$~|&^]|(?<=:)//)", r"\\\1", " ".join(str(text).split()))
    line = re.sub(r"\A(\d*)([-+=.)])", r"\1\\\2", line)  # else a list, or a heading's line
    return ADDRESS.sub("\u2060", line)


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 3 000."""
    return f"{number:,}".replace(",", " ")


UNITS = ("ms", "s")


def between(low: float, high: float) -> str | None:
    """An interval of seconds as a short text; None where it is not known."""
    if math.isnan(low) or math.isnan(high):
        return None
    if math.isinf(high):
        return f"over {duration(low)}"
    ends = duration(max(low, 0.0)), duration(high)
    unit = ends[1].split(" ", 1)[1]
    return f"{ends[0].removesuffix(f' {unit}')}–{ends[1]}" if unit in UNITS else " – ".join(ends)
