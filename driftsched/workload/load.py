"""Offered load: what a scenario asks of its GPUs, estimated without running it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftsched.serving.memory import kv_capacity_tokens
from driftsched.workload.generate import generate
from driftsched.workload.preview import sample_phase

if TYPE_CHECKING:
    from driftsched.scenario.model import Scenario
    from driftsched.serving.cost import IterationCost
    from driftsched.workload.table import Workload

__all__ = ["Capacity", "OfferedLoad", "PhaseLoad", "capacity", "held_tokens", "offered_load"]

SAMPLE = 4096


@dataclass(frozen=True)
class Capacity:
    """What the cluster can do for requests of given lengths.

    Attributes
    ----------
    batch : int
        Requests that run together on the first replica at saturation.
    saturation_rps : float
        Requests a second, all replicas together.
    kv_tokens : int
        Tokens of KV cache of the first replica.
    reserved_tokens : float
        Tokens of KV cache that a request takes, on average: of its prompt and its longest answer,
        or, held block by block, of what it has so far, as seen at a random moment.
    """

    batch: int
    saturation_rps: float
    kv_tokens: int
    reserved_tokens: float


@dataclass(frozen=True)
class PhaseLoad:
    """A phase's expected load.

    Attributes
    ----------
    phase : str
        Its name.
    rate_rps : float
        Requests a second.
    input_tokens_s, output_tokens_s : float
        Tokens a second, cut as in `generate`.
    batch : int
        Requests that run together on a replica at saturation; on the first one where they differ.
    saturation_rps : float
        Requests of this mix that the modelled replicas can serve a second, all together.
    rho : float
        rate_rps / saturation_rps; from 1 on the queue grows as long as the phase lasts.
    """

    phase: str
    rate_rps: float
    input_tokens_s: float
    output_tokens_s: float
    batch: int
    saturation_rps: float
    rho: float


@dataclass(frozen=True)
class OfferedLoad:
    """The load of all phases, in order."""

    phases: tuple[PhaseLoad, ...]

    @property
    def peak(self) -> PhaseLoad:
        """The phase with the highest rho, the earliest of equals."""
        return max(self.phases, key=lambda phase: phase.rho)


def offered_load(scenario: Scenario) -> OfferedLoad:
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
    out, and so is drift (see `load_over_time`) except in a trace. Of a closed loop the rate is the
    most that its users can ask for.

    Raises
    ------
    ScenarioError
        The model does not fit the GPU.
    TraceError
        The trace cannot be read.
    """
    if scenario.trace is not None:
        workload = generate(scenario)
        span_s = workload.segments[0].duration_s
        rate = (len(workload) - 1) / span_s if span_s > 0 else 0.0
        return OfferedLoad((_phase_load(scenario, "trace", rate, workload),))
    loads = []
    for number, phase in enumerate(scenario.phases):
        workload = sample_phase(scenario, number, SAMPLE)
        loads.append(_phase_load(scenario, phase.name, phase.rate_rps, workload))
    return OfferedLoad(tuple(loads))


def _phase_load(scenario: Scenario, name: str, rate: float, workload: Workload) -> PhaseLoad:
    found = capacity(scenario, workload)
    return PhaseLoad(
        phase=name,
        rate_rps=rate,
        input_tokens_s=rate * float(workload.prompt_tokens.mean()),
        output_tokens_s=rate * float(workload.output_tokens.mean()),
        batch=found.batch,
        saturation_rps=found.saturation_rps,
        rho=rate / found.saturation_rps,
    )


def capacity(scenario: Scenario, workload: Workload) -> Capacity:
    """Estimate what the cluster can do for requests like those of `workload`; see `offered_load`.

    Raises
    ------
    ScenarioError
        The model does not fit a GPU.
    """
    from driftsched.gateway.intake import cached_tokens  # scheduling imports this package

    cached = cached_tokens(scenario, workload).astype(np.float64)
    reserved = _held(scenario, workload)
    machines = scenario.cluster.machines
    alike = Counter(map(id, machines))
    total_rps, first = 0.0, None
    for machine in {id(machine): machine for machine in machines}.values():
        kv = kv_capacity_tokens(machine)
        batch = max(1, min(scenario.engine.batch_size, int(kv / reserved)))
        cost = machine.build_cost()
        if scenario.engine.mode == "continuous":
            rate = 1 / _continuous_s(cost, batch, workload, cached)
        else:
            rate = batch / _gang_s(cost, batch, workload)
        total_rps += alike[id(machine)] * rate
        first = (batch, kv) if first is None else first
    batch, kv = first or (1, 0)
    return Capacity(batch, total_rps, kv, reserved)


def _held(scenario: Scenario, workload: Workload) -> float:
    """Tokens of KV cache that a running request takes, on average."""
    if scenario.engine.kv != "paged":
        return float((workload.prompt_tokens + workload.max_output_tokens).mean())
    return held_tokens(workload) + scenario.engine.block_tokens / 2


def held_tokens(workload: Workload) -> float:
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
    kv = round(batch * held_tokens(workload))
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
