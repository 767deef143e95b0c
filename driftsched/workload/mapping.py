"""Mapping rules of a trace: recorded rows → tenants and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.workload.streams import Streams, pick_by_share

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.scenario.recorded import TraceSource

__all__ = ["categories", "in_words", "tenants"]

IntArray = NDArray[np.int64]


def tenants(scenario: Scenario, rules: TraceSource, streams: Streams, n: int) -> IntArray:
    """Tenants of `n` rows in order of time."""
    if rules.tenant_rule == "round_robin":
        return np.arange(n, dtype=np.int64) % len(scenario.tenants)
    uniform = streams.get("tenants", 0).random(n)
    return pick_by_share(uniform, [tenant.share for tenant in scenario.tenants])


def categories(
    scenario: Scenario, rules: TraceSource, prompt: IntArray, output: IntArray
) -> IntArray:
    """Categories by the recorded lengths; of equal categories the earlier is the smaller."""
    if rules.category_rule == "output":
        bounds = np.array([c.max_output_tokens for c in scenario.categories], dtype=np.int64)
        order = np.argsort(bounds, kind="stable")
        place = np.searchsorted(bounds[order], output, side="left")
    else:
        bases = np.array([c.base_tokens for c in scenario.categories], dtype=np.int64)
        order = np.argsort(bases, kind="stable")
        parts = np.arange(1, len(bases)) / len(bases)
        place = np.searchsorted(np.quantile(prompt, parts), prompt, side="left")
    return order[np.minimum(place, len(order) - 1)].astype(np.int64)


def in_words(scenario: Scenario, rules: TraceSource, in_order: bool) -> tuple[str, ...]:
    """What the rules do, a sentence each."""
    by_tenant = {
        "share": "tenants are drawn by their shares",
        "round_robin": "tenants take turns",
    }
    by_category = {
        "output": "the category is the smallest whose max_output_tokens holds the recorded answer, "
        "else the largest",
        "prompt": "categories in order of base_tokens take equal parts of the prompt lengths, the "
        "shortest prompts first",
    }
    answers = {
        True: "answers are cut at the category's max_output_tokens",
        False: "answers keep their recorded length, also over the category's max_output_tokens",
    }
    said = [by_tenant[rules.tenant_rule], by_category[rules.category_rule], answers[rules.cap]]
    said.append(f"prompt + answer are cut to {scenario.cluster.context_tokens} tokens")
    said.append("prompt texts are made up from the category's templates")
    if rules.time_scale != 1:
        said.append(f"times are multiplied by {rules.time_scale:g}")
    if not in_order:
        said.append(
            "rows were out of order and have been sorted by time, equal times as in the file"
        )
    if rules.limit is not None:
        said.append(f"only the first {rules.limit} rows in order of time are taken")
    return tuple(said)
