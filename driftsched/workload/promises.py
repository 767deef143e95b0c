"""What tenants are allowed and promised beside what GPUs can do: limits, goals, stalls, faults."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from driftsched.workload.finding import Finding
from driftsched.workload.load import Capacity, capacity, held_tokens
from driftsched.workload.outlook import Stretch
from driftsched.workload.table import Workload, nominal_starts

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.serving.iteration import IterationCost

__all__ = ["goals", "limits", "operations", "stalls"]

LONG_S, LONGER = 0.2, 4.0


def limits(scenario: Scenario, workload: Workload) -> list[Finding]:
    """Say which share of each tenant's requests its rate limit turns away.

    The arrivals drawn go through the very token bucket of admission.
    """
    from driftsched.gateway.admission import TenantGate  # scheduling imports this package

    starts = nominal_starts(workload.segments)
    lasting = starts[-1] + workload.segments[-1].duration_s
    at_s = np.concatenate(
        [
            start + workload.arrival_s[segment.first : segment.stop]
            for start, segment in zip(starts, workload.segments, strict=True)
        ]
    )
    found = []
    for number, tenant in enumerate(scenario.tenants):
        limit = tenant.limits.rate_rps
        if limit is None or lasting <= 0:
            continue
        gate = TenantGate(tenant.limits)
        mine = np.sort(at_s[workload.tenant == number])
        refused = sum(bool(gate.refusal(float(time))) for time in mine)
        if refused:
            text = (
                f"{tenant.name} sends {len(mine) / lasting:.3g} requests/s against its limit of "
                f"{limit:g} with a burst of {tenant.limits.burst}: about "
                f"{100 * refused / len(mine):.2g} % are rejected."
            )
            found.append(Finding("warning", tenant.name, text))
    return found


def operations(
    scenario: Scenario, workload: Workload, stretches: Sequence[Stretch]
) -> list[Finding]:
    """Say what the load becomes while a replica is away or slow, and with those that are added."""
    machines = scenario.cluster.machines
    found = _growth(scenario, workload, stretches)
    for event in scenario.events:
        number, begins = getattr(event, "replica", None), getattr(event, "from_s", None)
        if number is None or begins is None or number >= len(machines):  # not there from the start
            continue
        ends = getattr(event, "to_s", None) or math.inf
        alone = scenario.model_copy(update={"cluster": machines[number]})
        lost = (
            capacity(alone, workload).saturation_rps / capacity(scenario, workload).saturation_rps
        )
        lost *= 1 - 1 / getattr(event, "factor", math.inf)
        during = [s.rho for s in stretches if s.to_s > begins and s.from_s < ends]
        label = event.moments()[0].label
        if lost >= 1:
            text = f"{label} at {begins:g} s: nothing is served until it ends."
            found.append(Finding("warning", "events", text))
        elif during:
            rho = max(during) / (1 - lost)
            level: Literal["warning", "info"] = "warning" if rho >= 1 else "info"
            text = f"{label} at {begins:g} s: ρ rises from {max(during):.2g} to {rho:.2g}."
            found.append(Finding(level, "events", text))
    return found


def _growth(scenario: Scenario, workload: Workload, stretches: Sequence[Stretch]) -> list[Finding]:
    """Say what the load is at its peak once events have added all the replicas that they can."""
    machines = scenario.cluster.machines
    found = []
    for event in scenario.events:
        added = event.adds(len(machines))
        (moment,) = event.moments()[:1]
        open_s = moment.at_s + getattr(event, "start_up_s", 0.0)
        during = [stretch.rho for stretch in stretches if stretch.to_s > open_s]
        if not added or not during:
            continue
        one = scenario.model_copy(update={"cluster": machines[-1]})
        able = capacity(scenario, workload).saturation_rps
        rho = max(during) * able / (able + added * capacity(one, workload).saturation_rps)
        level: Literal["warning", "info"] = "warning" if rho >= 1 else "info"
        text = (
            f"{moment.label}: with {added} more from {open_s:g} s on, ρ falls from at most "
            f"{max(during):.2g} to {rho:.2g}."
        )
        found.append(Finding(level, "events", text))
    return found


def goals(scenario: Scenario, workload: Workload, able: Capacity) -> list[Finding]:
    """Name the objectives that not even an idle server meets, and those that a full one breaks."""
    machine = scenario.cluster.machines[0]
    cost, held = machine.build_cost(), held_tokens(workload)
    alone, full = (
        cost.iteration(1, round(held)),
        cost.iteration(able.batch, round(able.batch * held)),
    )
    prompt = float(np.median(workload.prompt_tokens))
    first = _prefill_s(cost, 0, 0.0, round(prompt))
    found = []
    for tenant in scenario.tenants:
        slo = tenant.slo
        if slo.tpot_s is not None and alone > slo.tpot_s:
            text = f"an iteration takes {1000 * alone:.3g} ms even for one request."
            found.append(_never(tenant.name, f"{1000 * slo.tpot_s:g} ms a token", text))
        elif slo.tpot_s is not None and full > slo.tpot_s:
            text = (
                f"{tenant.name}'s goal of {1000 * slo.tpot_s:g} ms a token breaks when the batch "
                f"is full: with {able.batch} requests an iteration takes {1000 * full:.3g} ms."
            )
            found.append(Finding("info", tenant.name, text))
        if slo.ttft_s is not None and first > slo.ttft_s:
            text = f"a median prompt of {prompt:,.0f} tokens alone takes {first:.3g} s."
            found.append(_never(tenant.name, f"{slo.ttft_s:g} s to the first token", text))
    return found


def stalls(scenario: Scenario, workload: Workload, able: Capacity) -> list[Finding]:
    """Say how long a long prompt stops everybody else's answers, and what chunks would do."""
    engine = scenario.engine
    if engine.mode == "gang" or able.batch < 2:
        return []
    cost = scenario.cluster.machines[0].build_cost()
    held = able.batch * held_tokens(workload)
    prompt = round(float(np.quantile(workload.prompt_tokens, 0.99)))
    usual = cost.iteration(able.batch, round(held))
    whole = _prefill_s(cost, able.batch, held, prompt)
    most = engine.max_num_batched_tokens
    if whole < LONG_S or whole < LONGER * usual:
        return []
    if most is None or not engine.chunked_prefill:
        text = (
            f"A long prompt (P99: {prompt:,} tokens) is computed at once: for about {whole:.2g} s "
            "all other answers stand still; a bound on the tokens in an iteration splits it."
        )
        return [Finding("info", "prefill", text)]
    chunk = _prefill_s(cost, able.batch, held, min(prompt, most))
    text = (
        f"A long prompt (P99: {prompt:,} tokens) is computed in chunks: an iteration takes about "
        f"{chunk:.2g} s at most instead of {whole:.2g} s."
    )
    return [Finding("ok", "prefill", text)]


def _prefill_s(cost: IterationCost, running: int, held: float, prompt: int) -> float:
    return cost.iteration(running + prompt, round(held), prompt * prompt, running + 1, 1)


def _never(tenant: str, goal: str, why: str) -> Finding:
    return Finding("warning", tenant, f"{tenant}'s goal of {goal} cannot be met: {why}")
