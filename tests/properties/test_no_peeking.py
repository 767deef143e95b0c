"""What is decided does not depend on what is not known yet: the answers still to come."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.estimation.classifier import CLASSIFIERS
from driftsched.estimation.compensators import COMPENSATORS
from driftsched.estimation.detectors import DETECTORS
from driftsched.estimation.predictors import PREDICTORS
from driftsched.scenario import Scenario, changed, load_scenario
from driftsched.scheduling.policies import POLICIES
from driftsched.scheduling.routers import ROUTERS
from driftsched.simulation import simulate
from driftsched.workload import Workload, generate, import_trace
from tests.support.scenarios import small, with_predictions

FORESIGHT = ("oracle",)
"""Those that are there to say what knowing the future would be worth."""

DECIDED = ["bias", "estimated_output_tokens", "replica"]


def busy(**mechanisms: Any) -> Scenario:
    """Two replicas that queues build up at, with a queue each."""
    scenario = small(
        engine={"mode": "continuous", "batch_size": 4, "kv": "paged"},
        cluster={"replicas": 2, "queue": "per_replica", "memory_utilisation": 0.203},
    )
    phase = scenario.phases[0].model_dump() | {"arrivals": {"kind": "poisson", "rate_rps": 12}}
    estimator = scenario.estimator.model_dump() | mechanisms.pop("estimator", {})
    return changed(scenario, phases=[phase], estimator=estimator, **mechanisms)


def until(table: pd.DataFrame, now_s: float) -> pd.DataFrame:
    """What had been decided by then: estimates and queues of who came, and who ran since when."""
    came = table[table["arrival_s"] <= now_s]
    dispatched = came["dispatch_s"].where(came["dispatch_s"] <= now_s)
    return came[DECIDED].assign(dispatch_s=dispatched)


def foretold(workload: Workload, table: pd.DataFrame, now_s: float) -> Workload:
    """The same, but who had not ended by then answers at greater length, or not at all so much.

    One that ran goes on for longer: a shorter answer might have ended before.
    """
    rng = np.random.default_rng(5)
    ended, ran = table["finish_s"] <= now_s, table["dispatch_s"] <= now_s
    longer = workload.output_tokens + rng.integers(1, 40, len(workload))
    other = rng.integers(1, 100, len(workload))
    output = np.select([ended, ran], [workload.output_tokens, longer], other)
    output = np.minimum(output, workload.max_output_tokens)
    output = np.maximum(output, np.where(ran, workload.output_tokens, 1))
    assert (output != workload.output_tokens).sum() > len(workload) // 4
    words = np.where(ended, workload.output_words, np.maximum(1, output * 3 // 4))
    return replace(workload, output_tokens=output, output_words=words)


def peeks(scenario: Scenario) -> bool:
    """Whether something decided in the first half depends on answers that end in the second."""
    workload = with_predictions(generate(scenario))
    table = simulate(scenario, workload).requests
    now_s = float(table["finish_s"].quantile(0.5))
    changed_run = simulate(scenario, foretold(workload, table, now_s)).requests
    before, after = until(table, now_s), until(changed_run, now_s)
    same_times = np.allclose(after.pop("dispatch_s"), before.pop("dispatch_s"), equal_nan=True)
    return not (same_times and after.equals(before))


@pytest.mark.parametrize("kind", POLICIES)
def test_no_policy_peeks(kind: str) -> None:
    """A policy that looks ahead would be compared with others on false terms."""
    assert not peeks(busy(policy={"kind": kind}))


@pytest.mark.parametrize("kind", COMPENSATORS)
def test_no_compensator_peeks(kind: str) -> None:
    """The oracle is the control: it must be seen to look ahead."""
    mechanisms = {"policy": {"kind": "sjf"}, "estimator": {"compensator": {"kind": kind}}}
    assert peeks(busy(**mechanisms)) == (kind in FORESIGHT)


@pytest.mark.parametrize("kind", DETECTORS)
def test_no_detector_peeks(kind: str) -> None:
    """Even one that gives alarms all the time knows only of answers that have ended."""
    hasty = {} if kind == "none" else {"wait": 1, "threshold": 0.5}
    mechanisms = {"compensator": {"kind": "hierarchical"}, "detector": {"kind": kind} | hasty}
    assert not peeks(busy(policy={"kind": "sjf"}, estimator=mechanisms))


@pytest.mark.parametrize("kind", PREDICTORS)
def test_no_predictor_peeks_but_those_that_say_so(kind: str) -> None:
    """Those are the control: they must be seen to look ahead."""
    predictor = {"kind": kind} | ({"edge": 40} if kind == "length_buckets" else {})
    scenario = busy(policy={"kind": "sjf"}, estimator={"predictor": predictor})
    assert peeks(scenario) == PREDICTORS[kind].foresight


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_no_classifier_peeks(kind: str) -> None:
    """The true category is the workload's own, and says nothing of the answer but its kind."""
    classifier = {"kind": kind}
    assert not peeks(busy(policy={"kind": "sjf"}, estimator={"classifier": classifier}))


@pytest.mark.parametrize("kind", ROUTERS)
def test_no_router_peeks(kind: str) -> None:
    """Whoever sends by answers to come balances better than any server can."""
    scenario = busy()
    cluster = scenario.cluster.model_dump(exclude_unset=True) | {"router": {"kind": kind}}
    assert not peeks(changed(scenario, cluster=cluster))


@pytest.mark.parametrize("cap", [False, True])
def test_recorded_answers_show_in_nothing_known_at_admission(cap: bool) -> None:
    """Categories and limits taken from the answers told estimators what they were to guess."""
    rng = np.random.default_rng(3)
    rows = np.column_stack([np.arange(400), *rng.integers(1, 900, (3, 400))])
    others = rows.copy()
    others[:, 2] = rng.integers(1, 900, 400)
    first, second = (imported(table, cap=cap) for table in (rows, others))
    for field in fields(Workload):
        if not field.name.startswith("output"):
            one, other = getattr(first, field.name), getattr(second, field.name)
            assert np.array_equal(one, other), field.name


def test_the_rule_by_output_is_foresight() -> None:
    """The control: this rule is known to look ahead, and says so."""
    rows = np.column_stack([np.arange(9), np.full(9, 50), np.arange(9) * 100 + 1, np.full(9, 7)])
    others = rows.copy()
    others[:, 2] = rows[::-1, 2]
    first, second = (imported(table, category_rule="output") for table in (rows, others))
    assert not np.array_equal(first.category, second.category)


def imported(rows: Any, **rules: Any) -> Workload:
    data = load_scenario("paper").model_dump(mode="json", by_alias=True)
    columns = {"time": "t", "prompt_tokens": "p", "output_tokens": "o", "predicted_tokens": "e"}
    data["trace"] = {"file": "x.csv", "format": "columns", "columns": columns, **rules}
    data["phases"] = []
    text = "t,p,o,e\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist())
    return import_trace(Scenario.model_validate(data), io.BytesIO(text.encode())).workload
