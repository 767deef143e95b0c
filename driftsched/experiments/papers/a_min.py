"""A_min (arXiv 2508.14544): planning with the lower or the upper end of a length's interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from driftsched.experiments.claims import shown
from driftsched.experiments.papers import rounds
from driftsched.experiments.papers.base import Paper, Reproduction, Runs
from driftsched.experiments.verdicts import Interval, percent, sign, within
from driftsched.results import paired_pool_change
from driftsched.scenario import Scenario, changed

if TYPE_CHECKING:
    from driftsched.experiments.ensemble import Advance

WIDTHS = ("±50 %", "±90 %")
NEAR = 10.0
"""“Nearly as well as hindsight” is taken to be this many percent at most."""


def planned(scenario: Scenario, share: float) -> Scenario:
    """Copy of a scenario that takes each answer for `share` times as long as it is."""
    tenants = [tenant.model_dump() | {"safety_factor": share} for tenant in scenario.tenants]
    return changed(scenario, tenants=tenants)


def judge(
    scenarios: Mapping[str, Scenario], seeds: int, progress: Advance | None = None
) -> Reproduction:
    """Serve the burst by true lengths, and by both ends of intervals of two widths."""
    (scenario,) = scenarios.values()
    asked = {"hindsight": scenario}
    for width, share in zip(WIDTHS, (0.5, 0.9), strict=True):
        asked[f"A_min {width}"] = planned(scenario, 1 - share)
        asked[f"A_max {width}"] = planned(scenario, 1 + share)
    runs = Runs({name: {"sjf": one} for name, one in asked.items()}, seeds, progress)

    def change(before: str, after: str) -> Interval:
        old, new = (runs.latency(name, "sjf") for name in (before, after))
        return percent(paired_pool_change(old, new))

    lost = {name: f"{shown(change('hindsight', name), '+.0f')} %" for name in asked}
    metrics = runs.metrics()
    preempted = metrics.groupby("setting")["preemptions"].mean()
    rows = []
    for width in WIDTHS:
        least, most = f"A_min {width}", f"A_max {width}"
        rows += [
            within(
                f"{width}: A_min within {NEAR:g} % of hindsight",
                NEAR,
                change("hindsight", least),
                f"A_min's mean is {lost[least]} above, A_max's {lost[most]}. It lets too many in: "
                f"{preempted[least]:,.0f} preemptions a run, {preempted[most]:,.0f} under A_max.",
            ),
            sign(
                f"{width}: A_min beats A_max",
                -1,
                change(most, least),
                f"Against hindsight A_min is {lost[least]}, A_max {lost[most]}: room kept for the "
                "longest answer stays empty.",
            ),
        ]
    rows.append(
        sign(
            "Wider intervals make A_max worse",
            1,
            change(*(f"A_max {width}" for width in WIDTHS)),
            f"{lost['A_max ±50 %']}, then {lost['A_max ±90 %']} above hindsight.",
        )
    )
    return Reproduction.of(rows, ASSUMED, metrics)


ASSUMED = [
    *rounds.ASSUMED,
    "500 requests come at once. An interval of ±x around the true length is planned with by its "
    "lower end (A_min) or its upper one (A_max); shortest first orders alike by both.",
    "A_min raises a bound that was outlived step by step and puts out who has done least. Here who "
    "has outlived its estimate is taken to go on for a tenth, and the last admitted gives way.",
    "Of the paper's latencies we had none: tested are its directions, and “nearly as well as "
    f"hindsight” as {NEAR:g} % at most, which is ours. Hindsight is SJF by true lengths.",
]
PAPER = Paper(
    "A_min",
    "arXiv 2508.14544",
    "Which end of an interval to plan with (arXiv 2508.14544)?",
    {"burst": rounds.in_rounds("a-min", 500, 100_000)},
    judge,
)
