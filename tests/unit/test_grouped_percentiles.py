"""Figures of many groups in one go are those of each group alone."""

from __future__ import annotations

import numpy as np
import pytest

from driftsched.results import grouped_percentiles as module
from driftsched.results.grouped_percentiles import grouped_percentiles

LEVELS = np.array([1.0, 50.0, 90.0, 95.0, 99.0, 99.9])


def columns(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 3, n)
    values[rng.random(n) < 0.3] = 0.0
    values[rng.random(n) < 0.1] = 0.25
    values[rng.random(n) < 0.05] = np.nan
    groups = np.column_stack([np.zeros(n), rng.integers(-1, 3, n) + 1, rng.integers(4, 7, n)])
    groups[groups[:, 1] == 0, 1] = -1
    return values, groups.astype(np.int16)


@pytest.mark.parametrize("n", [1, 2, 3, 50, 20_000])
def test_every_group_has_numpys_percentiles_to_the_bit(n: int) -> None:
    """Otherwise a long run would be summarised differently from a short one."""
    values, groups = columns(n, n)
    found = grouped_percentiles(values, groups, 8, LEVELS)
    assert found is not None
    for group in range(8):
        mine = values[(groups == group).any(axis=1) & ~np.isnan(values)]
        assert found.sizes[group] == len(mine)
        if len(mine):
            np.testing.assert_array_equal(found.percentiles[group], np.percentile(mine, LEVELS))
            np.testing.assert_allclose(found.mean[group], mine.mean(), rtol=1e-12)
            np.testing.assert_allclose(found.std[group], mine.std(), rtol=1e-9, atol=1e-15)
        else:
            assert np.isnan(found.percentiles[group]).all()


def test_what_it_cannot_do_it_leaves_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise negative or endless values, or a thousand tenants, would give wrong figures."""
    groups = np.zeros((2, 1), np.int16)
    assert grouped_percentiles(np.array([1.0, -1.0]), groups, 1, LEVELS) is None
    assert grouped_percentiles(np.array([1.0, np.inf]), groups, 1, LEVELS) is None
    assert grouped_percentiles(np.array([1.0, 2.0]), groups, module.MOST_BINS, LEVELS) is None
