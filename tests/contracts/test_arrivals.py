"""Every registered arrival process keeps the same promises."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest

from driftsched.traffic.arrivals import ARRIVALS
from tests.support.registered import example

NAMES = list(ARRIVALS)
OPEN = [name for name in NAMES if not ARRIVALS[name].closed]
"""Those whose times are known before the run."""


@pytest.mark.parametrize("name", OPEN)
def test_times_ascend_from_zero_and_are_as_many_as_asked_for(name: str) -> None:
    process = example(ARRIVALS[name])
    for n in (0, 1, 500):
        times = process.first(np.random.default_rng(3), n)
        assert len(times) == n or (not process.endless and len(times) < n)
        assert np.isfinite(times).all()
        assert (times >= 0).all()
        assert (np.diff(times) >= 0).all()


@pytest.mark.parametrize("name", OPEN)
def test_the_same_generator_gives_the_same_times_and_more_go_on_with_them(name: str) -> None:
    """Common random numbers: asking for more requests must not change the first ones."""
    process = example(ARRIVALS[name])
    few, many = (process.first(np.random.default_rng(5), n) for n in (40, 400))
    assert np.array_equal(few, many[: len(few)])
    assert not np.array_equal(few, process.first(np.random.default_rng(6), 40)) or len(few) == 0


@pytest.mark.parametrize("name", OPEN)
def test_within_gives_the_arrivals_up_to_a_time(name: str) -> None:
    process = example(ARRIVALS[name])
    times = process.first(np.random.default_rng(5), 60)
    end = float(times[len(times) // 2])
    inside = process.within(np.random.default_rng(5), end, 1000)
    assert np.array_equal(inside, times[times <= end])
    assert (inside <= end).all()


@pytest.mark.parametrize("name", OPEN)
def test_faster_shortens_the_time_axis_and_nothing_else(name: str) -> None:
    process = example(ARRIVALS[name])
    quick = process.faster(4.0)
    slow, fast = (p.first(np.random.default_rng(5), 200) for p in (process, quick))
    np.testing.assert_allclose(fast * 4, slow, rtol=1e-9)
    assert quick.rate == pytest.approx(4 * process.rate)


@pytest.mark.parametrize("name", OPEN)
def test_the_rate_curve_is_a_rate(name: str) -> None:
    process = example(ARRIVALS[name])
    times = np.linspace(0, 1000, 101)
    curve = process.rate_at(times)
    assert curve.shape == times.shape
    assert (curve >= 0).all()
    assert process.rate >= 0
    assert process.expected(0.0) == 0
    expected = [process.expected(float(t)) for t in times]
    assert all(b >= a for a, b in pairwise(expected))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_pickle_and_json(name: str) -> None:
    spec = example(ARRIVALS[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert ARRIVALS[name].model_validate_json(spec.model_dump_json()) == spec
    assert ARRIVALS[name].model_json_schema()["properties"]["kind"]["const"] == name
