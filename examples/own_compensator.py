"""A drift compensator of your own on a recorded trace, beside the paper's.

``python examples/own_compensator.py [TRACE]`` (in a checkout: ``python -m
examples.own_compensator``). Without a file the script records one itself: at half time a new
version of a prompt makes the answers twice as long.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from driftsched.estimation.compensators import CompensatorSpec, Levels
from driftsched.scenario import Scenario, load_scenario
from driftsched.scheduling.request import Request
from driftsched.simulation import simulate


class TwoSpeeds(CompensatorSpec):
    """A slow mean for quiet times and a quick one, which counts while both are far apart."""

    label = "two speeds"
    rule = "the quick mean where it has left the slow one, else the slow one"
    source = "this example"
    state: ClassVar[dict[str, float]] = {"slow": 1.0, "quick": 1.0}

    kind: Literal["two_speeds"] = "two_speeds"
    slow: float = Field(0.02, gt=0, le=1, description="weight of the newest observation, slow")
    quick: float = Field(0.2, gt=0, le=1, description="the same, quick")
    apart: float = Field(0.25, gt=0, description="relative difference from which quick counts")

    @staticmethod
    def predict(states: Levels, request: Request, p: Any) -> float:
        """Bias for a request's budget, finite and above 0."""
        state = states.category
        drifting = abs(state.quick - state.slow) > p.apart * state.slow
        return state.quick if drifting else state.slow

    @staticmethod
    def learn(states: Levels, request: Request, ratio: float, p: Any) -> float:
        """Take in actual / base length of a finished request; return the new bias."""
        state = states.category
        state.slow += p.slow * (ratio - state.slow)
        state.quick += p.quick * (ratio - state.quick)
        return state.quick


def record(path: Path, requests: int = 1500) -> None:
    """Write a trace: two requests a second, lengths that double at half time; Azure's columns."""
    rng = np.random.default_rng(7)
    seconds = np.cumsum(rng.exponential(0.5, requests))
    tokens = rng.lognormal(5.0, 0.3, requests) * np.where(seconds < seconds[-1] / 2, 1, 2)
    trace = {
        "TIMESTAMP": pd.Timestamp("2026-01-01") + pd.to_timedelta(seconds, unit="s"),
        "ContextTokens": 200,
        "GeneratedTokens": tokens.astype(int),
    }
    pd.DataFrame(trace).to_csv(path, index=False)


def using(scenario: Scenario, compensator: CompensatorSpec) -> Scenario:
    """Give the scenario with another compensator; one that is not registered runs on SimPy."""
    estimator = scenario.estimator.model_copy(update={"compensator": compensator})
    return scenario.model_copy(update={"estimator": estimator})


def main(argv: Sequence[str] | None = None) -> pd.Series[float]:
    """Print the mean error of the estimates, in tokens, without and with compensation."""
    parser = argparse.ArgumentParser(description="A compensator of your own on a trace.")
    parser.add_argument("trace", nargs="?", type=Path, help="a recorded trace, any known format")
    trace = parser.parse_args(argv).trace
    with tempfile.TemporaryDirectory() as folder:
        if trace is None:
            trace = Path(folder) / "trace.csv"
            record(trace)
        read = ["phases=[]", f"trace.file={json.dumps(str(trace))}", "trace.limit=3000"]
        scenario = load_scenario("azure-conversation", read)
        errors = {}
        for name, one in (("ema", scenario), ("two speeds", using(scenario, TwoSpeeds()))):
            rows = simulate(one, engine="simpy").requests
            errors["none"] = (rows["base_tokens"] - rows["output_tokens"]).abs().mean()
            learnt = rows["base_tokens"] * rows["bias"]
            errors[name] = (learnt - rows["output_tokens"]).abs().mean()
    found = pd.Series(errors)
    print(found.round(1).to_string())
    return found


if __name__ == "__main__":
    main()
