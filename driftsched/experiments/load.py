"""Offered load: what a scenario asks of its GPUs, estimated without running it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.serving.memory import kv_capacity_tokens
from driftsched.traffic.arrivals import Poisson
from driftsched.workload.generate import generate
from driftsched.workload.requests import cached_tokens

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.serving.cost import IterationCost
    from driftsched.workload.table import Workload

__all__ = ["OfferedLoad", "PhaseLoad", "offered_load", "peak_rho"]

SAMPLE = 4096
MOST_KEPT = 200
_known: dict[str, float] = {}


@dataclass(frozen=True)
class PhaseLoad:
    """A phase's expected load.

    Attributes
    ----------
    phase : str
        Its name.
    rate_rps : float
        Requests a second.
    output_tokens_s : float
        Tokens a second, cut as in `generate`.
    batch : int
        Requests that run together on a replica at saturation; on the first one where they differ.
    saturation_rps : float
        Requests of this mix that the modelled replicas can serve a second, all together.
    """

    phase: str
    rate_rps: float
    output_tokens_s: float
    batch: int
    saturation_rps: float

    @property
    def rho(self) -> float:
        """Rate over saturation; from 1 on the queue grows as long as the phase lasts."""
        return self.rate_rps / self.saturation_rps


@dataclass(frozen=True)
class OfferedLoad:
    """The load of all phases, in order."""

    phases: tuple[PhaseLoad, ...]

    @property
    def peak(self) -> PhaseLoad:
        """The phase with the highest rho, the earliest of equals."""
        return max(self.phases, key=lambda phase: phase.rho)


def offered_load(scenario: Scenario, workload: Workload | None = None) -> OfferedLoad:
    """Estimate rate, tokens a second, saturation and rho of each phase.

    Lengths are those of 4096 requests drawn from the phase, or of the whole trace. With p and o
    prompt and output tokens, E the mean over them, and

    B = min(batch_size, KV capacity / E[p + max_output]), at least 1,

    requests run together, first come first served. KV cache held block by block counts what
    requests hold at a random moment instead of p + max_output, and of a prompt only what the prefix
    cache lacks is computed.

    - continuous: B/E[o] requests join an iteration. With K = B · E[o (p + o/2)] / E[o] tokens of
      cache read (the longer a request, the more often it is seen) and t(n, K, s) the cost of an
      iteration over n tokens with squared prompts s, a request takes
      t_r = E[t(B + p, K, p²)] + (E[o]/B - 1) · t(B, K, 0), or, where more than one joins an
      iteration, t(B + E[p]·B/E[o], K, E[p²]·B/E[o]) · E[o]/B. Saturation is 1/t_r.
    - gang: saturation is B / E[t_gang], the mean over gangs of B requests drawn at random; t_gang
      is the prefill of all prompts and then the decoding until the longest ends, a request that
      has ended computing no more. A policy that puts like with like does better.

    rho = rate / saturation; replicas add up. It is an estimate: waiting for a fuller batch is left
    out, and so is drift (see `forecast`) except in a trace. Of a closed loop the rate is the most
    that its users can ask for.

    Parameters
    ----------
    workload : Workload, optional
        The traffic, where it has been generated already; only that of a trace is looked at.

    Raises
    ------
    ScenarioError
        The model does not fit the GPU.
    TraceError
        The trace cannot be read.
    """
    if scenario.trace is not None:
        workload = generate(scenario) if workload is None else workload
        span_s = workload.segments[0].duration_s
        rate = (len(workload) - 1) / span_s if span_s > 0 else 0.0
        return OfferedLoad((_phase_load(scenario, "trace", rate, workload),))
    loads = []
    for number, phase in enumerate(scenario.phases):
        workload = _sample(scenario, number)
        loads.append(_phase_load(scenario, phase.name, phase.rate_rps, workload))
    return OfferedLoad(tuple(loads))


def peak_rho(scenario: Scenario) -> float | None:
    """Rho of the busiest phase; None for a trace, which would be read for it, and what cannot run.

    It is kept, and that of the same traffic sent faster or slower follows from it.
    """
    if scenario.trace is not None:
        return None
    busiest = max(phase.rate_rps for phase in scenario.phases)
    made_of = {"tenants", "categories", "prompts", "lengths", "engine", "cluster"}
    mixes = [(p.mix, p.shares, round(p.rate_rps / busiest, 4)) for p in scenario.phases]
    key = f"{scenario.model_dump_json(include=made_of)}{mixes}"
    if key not in _known:
        try:
            _known[key] = offered_load(scenario).peak.rho / busiest
        except InputError:
            return None
        for old in list(_known)[:-MOST_KEPT]:
            del _known[old]
    return _known[key] * busiest


def _sample(scenario: Scenario, phase: int) -> Workload:
    """Draw requests of one phase without drift, of which only the lengths count.

    They come at a steady rate where the phase has arrivals that cannot be counted out.
    """
    only = scenario.phases[phase]
    changed: dict[str, object] = {"requests": SAMPLE, "duration_s": None}
    if only.tenant_arrivals or only.closed or not only.arrives_for_ever:
        changed |= {"arrivals": Poisson(rate_rps=1.0), "tenant_arrivals": None}
    phases = (only.model_copy(update=changed),)
    return generate(scenario.model_copy(update={"phases": phases, "drift": ()}))


def _phase_load(scenario: Scenario, name: str, rate: float, workload: Workload) -> PhaseLoad:
    batches, saturation_rps = [], 0.0
    cached = cached_tokens(scenario, workload).astype(np.float64)
    held = _held(scenario, workload)
    machines = scenario.cluster.machines
    alike = Counter(map(id, machines))
    for machine in {id(machine): machine for machine in machines}.values():
        fitting = int(kv_capacity_tokens(machine) / held)
        batch = max(1, min(scenario.engine.batch_size, fitting))
        cost = machine.build_cost()
        if scenario.engine.mode == "continuous":
            able_rps = 1 / _continuous_s(cost, batch, workload, cached)
        else:
            able_rps = batch / _gang_s(cost, batch, workload)
        saturation_rps += alike[id(machine)] * able_rps
        batches.append(batch)
    tokens_s = rate * float(workload.output_tokens.mean())
    return PhaseLoad(name, rate, tokens_s, batches[0], saturation_rps)


def _held(scenario: Scenario, workload: Workload) -> float:
    """Tokens of KV cache that a running request takes, on average."""
    if scenario.engine.kv != "paged":
        return float((workload.prompt_tokens + workload.max_output_tokens).mean())
    return _seen_tokens(workload) + scenario.engine.block_tokens / 2


def _seen_tokens(workload: Workload) -> float:
    """Tokens of KV cache of a request at a random moment of its decoding, on average.

    The longer an answer, the more often it is seen: E[o (p + o/2)] / E[o].
    """
    prompt = workload.prompt_tokens.astype(np.float64)
    output = workload.output_tokens.astype(np.float64)
    return float((output * (prompt + output / 2)).mean() / output.mean())


def _continuous_s(
    cost: IterationCost, batch: int, workload: Workload, cached: NDArray[np.float64]
) -> float:
    """Seconds of the GPU a request takes at a full batch; `cached` prompt tokens are found."""
    prompt = workload.prompt_tokens.astype(np.float64)
    kv = round(batch * _seen_tokens(workload))
    joining = batch / float(workload.output_tokens.mean())
    if joining > 1:
        tokens = round(batch + float((prompt - cached).mean()) * joining)
        squares = round(float((prompt**2 - cached**2).mean()) * joining)
        requests = round(batch + joining)
        return cost.iteration(tokens, kv, squares, requests, round(joining)) / joining
    pairs = zip(workload.prompt_tokens[:SAMPLE].tolist(), cached.astype(int).tolist(), strict=False)
    prefills = [cost.iteration(batch + p - c, kv, p * p - c * c, batch + 1, 1) for p, c in pairs]
    return float(np.mean(prefills)) + (1 / joining - 1) * cost.iteration(batch, kv)


def _gang_s(cost: IterationCost, batch: int, workload: Workload) -> float:
    """Mean seconds of a gang of `batch` requests in order of arrival."""
    size = min(batch, len(workload))
    gangs = max(1, min(len(workload), SAMPLE) // size)
    seconds = 0.0
    for gang in range(gangs):
        rows = slice(gang * size, (gang + 1) * size)
        prompts = workload.prompt_tokens[rows]
        order = np.argsort(workload.output_tokens[rows], kind="stable")
        ends = zip(workload.output_tokens[rows][order], prompts[order], strict=True)
        seconds += cost.iteration(int(prompts.sum()), 0, int((prompts**2).sum()), size, size)
        kv, running, done = int(prompts.sum()) + size, size, 1
        for last, own in ((int(last), int(own)) for last, own in ends):
            seconds += cost.decode_seconds(last - done, running, kv)
            kv += (last - done) * running - own - last
            running, done = running - 1, last
    return seconds / gangs
