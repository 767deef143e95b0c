"""The twin: what really happened, simulated with the calibrated cost, and under other policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from driftsched.core.errors import InputError
from driftsched.estimation.classifier import Oracle
from driftsched.live.observations import came_through
from driftsched.results.percentiles import LATENCIES, percentile_columns
from driftsched.results.queues import TOTAL, queue_table, sample_queues
from driftsched.results.tables import codes_of
from driftsched.scenario.tenants import Patience, Retries
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from driftsched.workload.table import Segment, Workload

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult
    from driftsched.scenario.model import Scenario
    from driftsched.serving.cost import CostConfig

__all__ = ["Twin", "build_twin", "live_workload_of", "twin_scenario", "twin_warnings"]

PERCENTILES = (50.0, 90.0, 99.0)
SHOWN = ("ttft", "tpot", "e2el")
QUEUE_SAMPLES = 500
ROOMY = {"gpu": "B200", "memory_utilisation": 1.0, "tensor_parallel": 1}
"""Enough memory that the KV cache never limits the twin: the live engine managed its own."""
CACHED = 0.05
"""Share of the prompts' tokens in the engine's prefix cache from which the twin says so."""
FAR_OFF = 0.25
"""Error of the median latency from which the twin says that it is none."""


@dataclass(frozen=True)
class Twin:
    """A live run beside its simulation.

    Attributes
    ----------
    live : RunResult
        What happened: the requests that finished.
    twin : RunResult
        The same requests at the same times with the same lengths, under the same policy, simulated.
    others : mapping of str to RunResult
        The same under other policies: what would it have been.
    left_out : int
        Requests of the live run that did not finish and are compared with nothing. Those of them
        that ran are simulated as well, since they took their share of the engine.
    """

    live: RunResult
    twin: RunResult
    others: Mapping[str, RunResult]
    left_out: int = 0

    def errors(self) -> pd.DataFrame:
        """How far the twin's percentiles are off.

        Returns
        -------
        DataFrame
            metric (ttft, tpot, e2el), percentile, live_ms, twin_ms, error (twin/live − 1; NaN where
            the live one is 0).
        """
        rows = []
        for metric in SHOWN:
            live, twin = (self._percentiles(run, metric) for run in (self.live, self.twin))
            for level in PERCENTILES:
                seen, said = live[level], twin[level]
                error = said / seen - 1 if seen > 0 else np.nan
                rows.append((metric, level, seen, said, error))
        return pd.DataFrame(rows, columns=["metric", "percentile", "live_ms", "twin_ms", "error"])

    @staticmethod
    def _percentiles(run: RunResult, metric: str) -> dict[float, float]:
        values = run.requests[LATENCIES[metric]].to_numpy(np.float64)
        found = percentile_columns(values, metric, PERCENTILES)
        return {level: found[f"p{level:.10g}_{metric}_ms"] for level in PERCENTILES}

    def queue_curves(self) -> pd.DataFrame:
        """Waiting requests over time: time_s, live, twin, at 500 even times."""
        ends = [float(run.queues["time_s"].max()) for run in (self.live, self.twin)]
        times = np.linspace(0.0, max(ends), QUEUE_SAMPLES)
        live, twin = (sample_queues(run.queues, times)[TOTAL] for run in (self.live, self.twin))
        return pd.DataFrame({"time_s": times, "live": live.to_numpy(), "twin": twin.to_numpy()})

    def queue_error(self) -> dict[str, float]:
        """Waiting requests: mean of both, mean absolute difference, and that over the live mean."""
        curves = self.queue_curves()
        live, twin = (float(curves[name].mean()) for name in ("live", "twin"))
        difference = float((curves["live"] - curves["twin"]).abs().mean())
        return {
            "live_mean": live,
            "twin_mean": twin,
            "mean_difference": difference,
            "relative": difference / live if live > 0 else float("nan"),
        }


def build_twin(
    live: RunResult,
    cost: CostConfig,
    *,
    handover_iterations: float = 0.0,
    policies: Iterable[str] = (),
) -> Twin:
    """Simulate a live run as it happened, and under other policies.

    Parameters
    ----------
    live : RunResult
        The run; a simulated one gives itself back.
    cost : CostConfig
        The engine's, from `calibrate_run` or a hardware entry.
    handover_iterations : float
        Iterations that an engine at work makes from a request's end until the next one, sent from
        outside, is in it. A place is then taken for that much longer.
    policies : iterable of str
        Kinds to simulate too, with their default parameters; the live run's own is left out.

    Raises
    ------
    InputError
        Nothing finished, or a policy is not known.
    """
    names = [name for name in dict.fromkeys(policies) if name != live.scenario.policy.kind]
    specs = {name: POLICIES[name].model_validate({"kind": name}) for name in names}
    done = (live.requests["status"] == "finished").to_numpy(dtype=bool)
    if not done.any():
        raise InputError("a run must have a finished request to be simulated again, got none")
    ran = _ran(live.requests)
    seen, compared = _only(live, ran), done[ran]
    scenario = twin_scenario(live, cost)
    extra = round(handover_iterations) if live.scenario.engine.mode == "continuous" else 0
    workload = live_workload_of(seen, extra)

    def again(one: Scenario) -> RunResult:
        return _only(_as_seen(simulate(one, workload), seen, extra), compared)

    return Twin(
        live=_only(seen, compared),
        twin=again(scenario),
        others={
            name: again(scenario.model_copy(update={"policy": policy}))
            for name, policy in specs.items()
        },
        left_out=int((~done).sum()),
    )


def twin_warnings(twin: Twin) -> list[str]:
    """Say how far a twin is from its live run, and what it cannot know of it."""
    found = []
    errors = twin.errors()
    median = errors[(errors["metric"] == "e2el") & (errors["percentile"] == 50)]["error"]
    if (off := float(median.iloc[0])) and abs(off) > FAR_OFF:
        found.append(
            f"The twin's median latency is {abs(off):.0%} {'above' if off > 0 else 'below'} what "
            "was measured: it does not stand for this engine, and its other policies tell nothing."
        )
    requests = twin.live.requests
    if "cached_tokens" in requests.columns:
        cached = float(requests["cached_tokens"].fillna(0).sum())
        share = cached / float(requests["prompt_tokens"].sum())
        if share >= CACHED:
            found.append(
                f"The engine had {share:.0%} of the prompts' tokens in its prefix cache; the twin "
                "computes all of them and is slower by that. Run live with the prefix cache off to "
                "compare."
            )
    return found


def twin_scenario(live: RunResult, cost: CostConfig) -> Scenario:
    """The live run's scenario on a simulated engine of that cost.

    Batch size and replicas are those the live run had. Categories are those it was told. Whom
    admission turned away, who gave up and who tried again is known: nobody does so anew.
    """
    scenario = live.scenario
    about = live.provenance.get("live")
    cluster: dict[str, Any] = {"cost": cost}
    engine: dict[str, Any] = {}
    if about:
        facts = about.get("engine") or {}
        cluster |= ROOMY | {"replicas": facts.get("replicas") or 1, "pools": ()}
        engine["batch_size"] = about.get("slots") or scenario.engine.batch_size
    free = {"waiting": None, "rate_rps": None}
    tenants = tuple(
        tenant.model_copy(
            update={
                "patience": Patience(),
                "retries": Retries(),
                "limits": tenant.limits.model_copy(update=free),
            }
        )
        for tenant in scenario.tenants
    )
    return scenario.model_copy(
        update={
            "tenants": tenants,
            "events": () if about else scenario.events,
            "cluster": scenario.cluster.model_copy(update=cluster),
            "engine": scenario.engine.model_copy(update=engine),
            "estimator": scenario.estimator.model_copy(update={"classifier": Oracle()}),
        }
    )


def live_workload_of(live: RunResult, extra_tokens: int = 0) -> Workload:
    """The requests of a run as a workload: their own arrivals and lengths, fixed.

    Parameters
    ----------
    live : RunResult
        All of its requests ran. Who was cut short had a further iteration that gave nothing.
    extra_tokens : int
        Added to each output.
    """
    requests, scenario = live.requests, live.scenario

    def column(name: str) -> NDArray[np.int64]:
        return requests[name].to_numpy(np.int64)

    in_words = scenario.estimator.unit == "words"
    cut = (requests["status"] != "finished").to_numpy(np.int64)
    output = column("output_tokens") + cut + extra_tokens
    count = len(requests)
    return Workload(
        arrival_s=requests["arrival_s"].to_numpy(np.float64),
        tenant=codes_of(requests["tenant"], scenario.tenant_names),
        # As it was classified: the twin's classifier is told so.
        category=codes_of(requests["predicted_category"], scenario.category_names),
        prompt_id=np.zeros(count, dtype=np.int64),
        prompts=("",),
        prompt_tokens=column("prompt_tokens"),
        output_tokens=output,
        max_output_tokens=np.maximum(column("max_output_tokens"), output),
        prompt_words=column("counted_prompt_tokens" if in_words else "prompt_tokens"),
        output_words=column("counted_output_tokens") if in_words else output,
        segments=(Segment("live", 0, count, float(requests["arrival_s"].max())),),
    )


def _ran(requests: pd.DataFrame) -> NDArray[np.bool_]:
    """Who was in the engine: those who came through, and whose clients left before a token."""
    if "last_token_s" not in requests.columns:
        return came_through(requests)
    left = requests["status"].isin(["timed_out", "cancelled"]) & requests["dispatch_s"].notna()
    return came_through(requests) | left.to_numpy(dtype=bool)


def _only(run: RunResult, chosen: NDArray[np.bool_]) -> RunResult:
    """Only some of the requests, numbered anew."""
    if chosen.all():
        return run
    requests = run.requests[chosen].reset_index(drop=True)
    requests["request_id"] = np.arange(len(requests))
    return replace(run, requests=requests, queues=queue_table(run.scenario, requests))


def _as_seen(twin: RunResult, live: RunResult, extra: int) -> RunResult:
    """Give the twin's requests the live ones' categories and phases, and take extra tokens off."""
    requests = twin.requests.copy()
    for name in ("category", "predicted_category", "phase", "actual_size_class"):
        requests[name] = live.requests[name].to_numpy()
        requests[name] = requests[name].astype(live.requests[name].dtype)
    if extra:
        _shorten(requests, extra)
    return replace(
        twin,
        requests=requests,
        scenario=live.scenario.model_copy(update={"policy": twin.scenario.policy}),
        provenance=twin.provenance | {"twin": True},
    )


def _shorten(requests: pd.DataFrame, extra: int) -> None:
    """End each request `extra` of its own iterations earlier, in place."""
    output = requests["output_tokens"] - extra
    decoding = requests["finish_s"] - requests["first_token_s"]
    finish = requests["first_token_s"] + decoding * (output - 1) / requests["output_tokens"].sub(1)
    requests["finish_s"] = finish.fillna(requests["finish_s"])
    requests["output_tokens"] = output
    requests["max_output_tokens"] = np.maximum(requests["max_output_tokens"] - extra, 1)
    requests["e2e_s"] = requests["finish_s"] - requests["arrival_s"]
    gaps = (output - 1).where(output > 1)
    requests["tpot_s"] = (requests["e2e_s"] - requests["ttft_s"]) / gaps
