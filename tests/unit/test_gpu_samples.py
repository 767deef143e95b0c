"""KV cache over time: it grows with every token, and is given back at once."""

from typing import Literal

import numpy as np
import pytest

from driftsched.results import RunResult
from driftsched.scenario import Scenario, changed
from driftsched.simulation import simulate
from tests.support.scenarios import small

PROMPT, ANSWER = 50, 300


def alone(mode: str) -> Scenario:
    """One request on one replica."""
    drawn = small(engine={"mode": mode})
    lengths = {
        "prompt_tokens": {"kind": "constant", "tokens": PROMPT},
        "output_tokens": {"kind": "constant", "tokens": ANSWER},
        "max_output_tokens": ANSWER,
    }
    return changed(
        drawn,
        categories=[drawn.categories[0].model_dump() | lengths],
        phases=[drawn.phases[0].model_dump() | {"requests": 1}],
        metrics={"sample_s": 0.05},
    )


def course(result: RunResult) -> tuple[float, float]:
    """When the first request gave its first and its last token."""
    table = result.requests
    return float(table["first_token_s"].iloc[0]), float(table["finish_s"].iloc[0])


@pytest.mark.parametrize("engine", ["simpy", "compiled"])
@pytest.mark.parametrize("mode", ["continuous", "gang"])
def test_kv_cache_grows_until_the_request_leaves(
    mode: str, engine: Literal["simpy", "compiled"]
) -> None:
    """A chart would show it shrink while tokens are added, were its end what remains afterwards."""
    result = simulate(alone(mode), engine=engine)
    first_s, end_s = course(result)
    gpus = result.gpus.set_index("time_s")["kv_used_tokens"]
    during = gpus[(gpus.index > first_s) & (gpus.index < end_s)]
    done = (during.index - first_s) / (end_s - first_s)
    assert len(during) > 20
    np.testing.assert_allclose(during, PROMPT + 1 + done * (ANSWER - 1), atol=3)
    assert (gpus[gpus.index > end_s] == 0).all()


@pytest.mark.parametrize("mode", ["continuous", "gang"])
def test_kv_cache_is_full_until_the_replica_goes_down(mode: str) -> None:
    """It would look as if it had been emptied little by little before an outage."""
    scenario = alone(mode)
    middle = sum(course(simulate(scenario))) / 2
    outage = {"kind": "outage", "replica": 0, "from_s": middle, "to_s": middle + 1}
    gpus = simulate(changed(scenario, events=[outage])).gpus.set_index("time_s")["kv_used_tokens"]
    before = gpus[(gpus.index > middle - 0.2) & (gpus.index < middle)]
    assert (before > PROMPT + 0.4 * ANSWER).all()
    assert (gpus[(gpus.index > middle) & (gpus.index < middle + 1)] == 0).all()
