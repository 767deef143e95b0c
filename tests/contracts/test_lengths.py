"""Every registered distribution of lengths keeps the same promises."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from driftsched.traffic.lengths import LENGTHS, to_tokens
from tests.support.registered import example

NAMES = list(LENGTHS)


@pytest.mark.parametrize("name", NAMES)
def test_lengths_are_finite_and_at_least_one_token(name: str) -> None:
    distribution = example(LENGTHS[name])
    for n in (0, 1, 2000):
        drawn = distribution.sample(np.random.default_rng(1), n)
        assert drawn.shape == (n,)
        assert np.isfinite(drawn).all()
        assert (to_tokens(drawn) >= 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_generator_gives_the_same_lengths(name: str) -> None:
    distribution = example(LENGTHS[name])
    one, two = (distribution.sample(np.random.default_rng(9), 100) for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_mean_is_that_of_the_draws(name: str) -> None:
    """A mean that is not the distribution's own would give wrong loads and previews."""
    distribution = example(LENGTHS[name])
    drawn = distribution.sample(np.random.default_rng(2), 200_000)
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - distribution.mean) <= 4 * error + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_pickle_and_json(name: str) -> None:
    spec = example(LENGTHS[name])
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert LENGTHS[name].model_validate_json(spec.model_dump_json()) == spec
    assert LENGTHS[name].model_json_schema()["properties"]["kind"]["const"] == name
