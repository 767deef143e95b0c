"""What it would bring to learn from answers under way that have outlived their estimate.

    python benchmarks/outlived.py [--json] [--streams 6]

Four requests a second, an answer 30 ms a token, all at once: some eighty are under way. Each
compensator learns an answer when it ends, and once more, as `TIMES` its estimate, when it has
outlived that so far; beside it, one that is told each answer as it is admitted, which no lesson
from answers under way can beat. Changes of the mean absolute error in % against learning at the
end: over the 300 requests after a common step by 2, and where nothing drifts.
"""

from __future__ import annotations

import sys
from heapq import heappop, heappush

import figures
import numpy as np

from driftsched.core.arrays import Floats
from driftsched.estimation.compensators import CompensatorSpec
from driftsched.estimation.compensators.base import Compensator
from driftsched.experiments.lab import CUT, Stream, compensators_named, draw_stream
from driftsched.scheduling.request import Request

EVERY_S, TOKEN_S, TIMES = 0.25, 0.03, 1.5
SPREADS, KINDS = (0.3, 0.6, 1.0), ("ema", "hierarchical")
ENDLESS = 1 << 60


def errors(stream: Stream, spec: CompensatorSpec, way: str) -> Floats:
    """Each answer's absolute error; `way` is at_end, outlived or told."""
    compensator = spec.build(int(stream.category.max()) + 1, int(stream.tenant.max()) + 1)
    lessons: list[tuple[float, int, int, Request]] = []
    found = np.zeros(len(stream))
    for number in range(len(stream)):
        now = number * EVERY_S
        while lessons and lessons[0][0] <= now:
            _, _, length, request = heappop(lessons)
            learn(compensator, request, length)
        one = (stream.tenant, stream.category, stream.prompt_length, stream.length)
        tenant, category, prompt, length = (int(column[number]) for column in one)
        base = int(stream.base_tokens[number])
        request = Request(
            number, tenant, 0, category, now, prompt, length, ENDLESS, prompt, length, base, base
        )
        request.bias = compensator.predict_one(request)
        found[number] = abs(base * request.bias - length)
        request.estimated_output_tokens = compensator.length(request, request.bias)
        if way == "told":
            learn(compensator, request, length)
            continue
        heappush(lessons, (now + TOKEN_S * length, number, length, request))
        so_far = int(TIMES * request.estimated_output_tokens) + 1
        if way == "outlived" and length > so_far:
            heappush(lessons, (now + TOKEN_S * so_far, number, so_far, request))
    return found


def learn(compensator: Compensator, request: Request, length: int) -> None:
    """Teach that an answer is so long."""
    request.output_length = length
    compensator.learn_one(request, length / request.base_tokens)


def measure(streams: int) -> dict[str, str]:
    """Compare the three ways on streams that step, and that do not."""
    found = {}
    for spread in SPREADS:
        for kind, spec in compensators_named(list(KINDS)).items():
            shown = []
            for drift, part in (("step", slice(3000, 3300)), ("none", slice(CUT, None))):
                drawn = [draw_stream(drift, spread, seed) for seed in range(streams)]
                mae = {
                    way: np.array([errors(one, spec, way)[part].mean() for one in drawn])
                    for way in ("at_end", "outlived", "told")
                }
                for way in ("outlived", "told"):
                    change = 100 * float((mae[way] / mae["at_end"] - 1).mean())
                    shown.append(f"{drift} {way} {change:+.1f}")
            found[f"{kind}_{spread:g}_pct"] = ", ".join(shown)
    return found


if __name__ == "__main__":
    sys.exit(figures.measured(measure, {}, streams=6))
