"""What will happen, in words: load, memory, drift, limits, patience, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from driftsched.workload.drift import drift_marks
from driftsched.workload.finding import Finding
from driftsched.workload.generate import generate
from driftsched.workload.load import Capacity, capacity
from driftsched.workload.outlook import Stretch, load_over_time
from driftsched.workload.promises import goals, limits, operations, stalls
from driftsched.workload.table import Workload

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario

__all__ = ["Finding", "findings"]

FULL, BUSY = 1.0, 0.7
BURSTY = 2.0
MOSTLY = 0.5


def findings(scenario: Scenario, workload: Workload | None = None) -> tuple[Finding, ...]:
    """Tell in words what a scenario will do, the worst first.

    Estimates of `load_over_time`: a run tells more.

    Raises
    ------
    ScenarioError
        The model does not fit the GPU, or there is no request.
    TraceError
        The trace cannot be read.
    """
    workload = generate(scenario) if workload is None else workload
    stretches = load_over_time(scenario, workload)
    able = capacity(scenario, workload)
    found = [
        *_load(stretches),
        *_after(stretches),
        *_drift(scenario, workload, stretches),
        *_bursts(workload, stretches),
        *_memory(scenario, workload, able),
        *limits(scenario, workload),
        *goals(scenario, workload, able),
        *operations(scenario, workload, stretches),
        *stalls(scenario, workload, able),
        *_patience(scenario, stretches),
        *_lengths(scenario, workload),
    ]
    order = ("error", "warning", "info", "ok")
    return tuple(sorted(found, key=lambda finding: order.index(finding.level)))


def _load(stretches: Sequence[Stretch]) -> list[Finding]:
    """One sentence for each run of stretches on the same side of capacity."""
    found = []
    runs = groupby(stretches, key=lambda s: (s.phase, s.rho >= FULL, s.closed))
    for (phase, over, closed), group in runs:
        run = list(group)
        low, high = min(s.rho for s in run), max(s.rho for s in run)
        lasting = run[-1].to_s - run[0].from_s
        rho = f"ρ = {high:.2g}" if high - low < 0.05 else f"ρ = {low:.2g} to {high:.2g}"
        if closed:
            found.append(_closed(phase, rho, run[-1], over))
        elif over:
            text = (
                f"{phase}: {rho}: the queue grows without bound for {lasting:.0f} s, to about "
                f"{run[-1].backlog:.0f} requests; a newcomer then waits about "
                f"{run[-1].wait_s:.0f} s."
            )
            found.append(Finding("warning", phase, text))
        else:
            means = "queues form in bursts" if high > BUSY else "queues stay short"
            found.append(Finding("ok", phase, f"{phase}: {rho}: {means}."))
    return found


def _closed(phase: str, rho: str, last: Stretch, over: bool) -> Finding:
    if over:
        text = (
            f"{phase}: users ask for up to {last.rate_rps:.3g} requests/s, the cluster serves "
            f"{last.saturation_rps:.3g} ({rho}): it is always busy, and users wait for each other."
        )
        return Finding("info", phase, text)
    return Finding("ok", phase, f"{phase}: {rho} at most, since users wait for their answers.")


def _after(stretches: Sequence[Stretch]) -> list[Finding]:
    """How long a backlog outlives its cause."""
    found = []
    for number, (before, after) in enumerate(pairwise(stretches), start=1):
        if before.rho >= FULL > after.rho and after.entered >= 1 and not before.closed:
            takes_s = _drained_after(stretches[number:])
            if takes_s is not None:
                text = f"The backlog of {before.phase} takes about {takes_s:.0f} s more to drain."
                found.append(Finding("warning", after.phase, text))
    last = stretches[-1]
    if last.backlog >= 1:
        text = (
            f"When the traffic ends about {last.backlog:.0f} requests still wait: the run goes on "
            f"for about {last.wait_s:.0f} s."
        )
        found.append(Finding("info", last.phase, text))
    return found


def _drained_after(stretches: Sequence[Stretch]) -> float | None:
    """Seconds until nothing waits any more; None where the traffic ends or surges before."""
    passed = 0.0
    for stretch in stretches:
        spare = stretch.saturation_rps - stretch.rate_rps
        if spare <= 0:
            return None
        if stretch.backlog == 0:
            return passed + stretch.entered / spare
        passed += stretch.to_s - stretch.from_s
    return None


def _drift(scenario: Scenario, workload: Workload, stretches: Sequence[Stretch]) -> list[Finding]:
    found = []
    if scenario.drift and scenario.lengths == "capped" and scenario.trace is None:
        text = "Answers are capped at their maximum: drift of lengths changes nothing."
        found.append(Finding("warning", "drift", text))
    for at, label in drift_marks(scenario, workload.segments):
        before = [s for s in stretches if s.to_s <= at + 1e-6]
        after = [s for s in stretches if s.from_s >= at - 1e-6]
        if before and after and before[-1].phase == after[0].phase:
            was, becomes = before[-1].rho, after[0].rho
            if abs(becomes / was - 1) >= 0.1:
                verb = "rises" if becomes > was else "falls"
                text = f"{label} at {at:.0f} s: ρ {verb} from {was:.2g} to {becomes:.2g}."
                level: Literal["warning", "info"] = "warning" if becomes >= FULL > was else "info"
                found.append(Finding(level, "drift", text))
    return found


def _bursts(workload: Workload, stretches: Sequence[Stretch]) -> list[Finding]:
    found = []
    for segment in workload.segments:
        stop = segment.stop if segment.closed_first is None else segment.closed_first
        gaps = np.diff(workload.arrival_s[segment.first : stop])
        rho = max((s.rho for s in stretches if s.phase == segment.name), default=0.0)
        if len(gaps) < 100 or gaps.mean() <= 0 or not 0.3 <= rho < FULL:
            continue
        cv = float(gaps.std() / gaps.mean())
        if cv >= BURSTY:
            text = f"{segment.name}: requests come in bursts (gap CV {cv:.2g}): queues form"
            found.append(Finding("warning", segment.name, f"{text} although ρ is {rho:.2g}."))
    return found


def _memory(scenario: Scenario, workload: Workload, able: Capacity) -> list[Finding]:
    longest = workload.prompt_tokens + workload.max_output_tokens
    found = []
    never = float((longest > able.kv_tokens).mean())
    if never > 0:
        text = (
            f"{100 * never:.2g} % of the requests may need more than the KV cache of "
            f"{able.kv_tokens:,} tokens: they cannot be served."
        )
        found.append(Finding("error", "kv", text))
    wanted = scenario.engine.batch_size
    fitting = able.kv_tokens / able.reserved_tokens
    if able.batch < wanted:
        text = (
            f"KV cache of {able.kv_tokens:,} tokens holds about {fitting:.0f} requests at "
            f"{able.reserved_tokens:,.0f} tokens each: a batch of {wanted} is never reached."
        )
        if scenario.engine.kv == "paged":
            text = text.replace("is never reached.", "fills it, and requests are preempted.")
        found.append(Finding("warning", "kv", text))
    else:
        share = 100 * wanted / fitting
        verb = "takes" if scenario.engine.kv == "paged" else "reserves"
        text = f"KV cache of {able.kv_tokens:,} tokens: a full batch of {wanted} {verb} about"
        found.append(Finding("ok", "kv", f"{text} {share:.2g} % of it."))
    return found


def _patience(scenario: Scenario, stretches: Sequence[Stretch]) -> list[Finding]:
    longest = max((s.wait_s for s in stretches), default=0.0)
    found = []
    for tenant in scenario.tenants:
        waits = tenant.patience.abandonment
        known = [tenant.patience.first_token_timeout_s, tenant.patience.timeout_s]
        bounds = [bound for bound in [*known, waits.mean if waits else None] if bound is not None]
        if bounds and longest > min(bounds):
            text = (
                f"{tenant.name}'s clients give up after about {min(bounds):.3g} s, and a newcomer"
            )
            more = " and ask again, which adds load" if tenant.retries.attempts > 1 else ""
            found.append(
                Finding(
                    "warning", tenant.name, f"{text} may wait {longest:.0f} s: many leave{more}."
                )
            )
    return found


def _lengths(scenario: Scenario, workload: Workload) -> list[Finding]:
    if scenario.lengths == "capped" and scenario.trace is None:
        return []
    cut = workload.output_tokens == workload.max_output_tokens
    found = []
    for number, category in enumerate(scenario.categories):
        mine = workload.category == number
        if mine.any() and float(cut[mine].mean()) > MOSTLY:
            share = 100 * float(cut[mine].mean())
            text = f"{category.name}: {share:.0f} % of the answers are cut at max_output_tokens."
            found.append(Finding("info", "lengths", text))
    return found
