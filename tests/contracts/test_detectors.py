"""Every registered detector keeps the same promises."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.estimation.compensators import COMPENSATORS, CompensatorSpec
from driftsched.estimation.detectors import DETECTORS, Detector, DetectorSpec
from driftsched.experiments.lab import NO_DETECTOR, draw_stream, estimates
from driftsched.scenario import changed
from tests.support.registered import example
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

NAMES = list(DETECTORS)
WATCHING = [name for name in NAMES if name != "none"]
SOME = st.lists(st.floats(-9, 9), max_size=200)


def spec(name: str) -> DetectorSpec:
    found: DetectorSpec = example(DETECTORS[name])
    return found


def regression() -> CompensatorSpec:
    """Least squares that never forget."""
    found: CompensatorSpec = COMPENSATORS["rls"].model_validate({"kind": "rls", "forgetting": 1})
    return found


def alarms(detector: Detector, errors: Sequence[float]) -> list[int]:
    found = []
    for number, error in enumerate(errors):
        detector.update(error)
        if detector.drift_detected:
            found.append(number)
    return found


@pytest.mark.parametrize("name", NAMES)
@given(SOME)
def test_the_same_errors_give_the_same_alarms(name: str, errors: list[float]) -> None:
    assert alarms(spec(name).build(), errors) == alarms(spec(name).build(), errors)


@pytest.mark.parametrize("name", NAMES)
def test_state_and_parameters_survive_pickle(name: str) -> None:
    one = spec(name)
    assert DETECTORS[name].model_validate_json(one.model_dump_json()) == one
    detector = one.build()
    alarms(detector, [0.1] * 50)
    again = pickle.loads(pickle.dumps(detector))
    assert alarms(again, [2.0] * 200) == alarms(detector, [2.0] * 200)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_described(name: str) -> None:
    for field, described in DETECTORS[name].model_json_schema()["properties"].items():
        assert field == "kind" or described.get("description"), field


@pytest.mark.parametrize("bias", [0.0, -0.3])
@pytest.mark.parametrize("name", NAMES)
def test_steady_errors_are_no_drift(name: str, bias: float) -> None:
    """Also where estimates lie to one side of the median: at most one alarm in 1,000 answers."""
    errors = np.random.default_rng(4).normal(bias, 0.6, 20_000)
    assert len(alarms(spec(name).build(), errors.tolist())) <= 20


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("name", WATCHING)
def test_a_lasting_change_is_an_alarm_and_then_the_detector_begins_anew(
    name: str, side: int
) -> None:
    errors = np.random.default_rng(5).normal(0, 0.3, 600)
    errors[200:] += side * 0.7
    found = alarms(spec(name).build(), errors.tolist())
    assert len(found) == 1
    assert 200 < found[0] < 260


@pytest.mark.parametrize("name", WATCHING)
def test_a_category_is_learnt_anew_after_an_alarm(name: str) -> None:
    """What never forgets drags the old along; under a detector it begins with the new."""
    stream = draw_stream("one_category", 0.3, 2)
    assert stream.median is not None
    slow = regression()
    without, watched = (estimates(stream, slow, one) for one in (NO_DETECTOR, spec(name)))
    assert not without.alarm.any()
    late = np.flatnonzero(stream.category == 1)
    late = late[late > 3800]
    off = [np.abs(np.log(each.typical / stream.median))[late].mean() for each in (without, watched)]
    assert off[1] < 0.8 * off[0]
    (same,) = np.nonzero(stream.category == 3)
    first = np.flatnonzero(watched.alarm)[0]
    before = same[same < first]
    assert (watched.typical[before] == without.typical[before]).all()


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_give_the_same_tables(name: str) -> None:
    compensator = {"kind": "hierarchical"}
    parameters = {"wait": 3, "threshold": 1.0} if name in WATCHING else {}
    detector = {"kind": name} | parameters
    scenario = small(estimator={"compensator": compensator, "detector": detector})
    result = assert_engines_agree(changed(scenario, policy__kind="sjf"))
    plain = assert_engines_agree(changed(result.scenario, estimator__detector={"kind": "none"}))
    assert result.learning["bias"].equals(plain.learning["bias"]) == (name == "none")
