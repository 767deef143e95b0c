"""A small share of each trial; `python -m tests.hostile --full` tries the rest."""

import pytest

from tests.hostile.__main__ import TRIALS, Trial


@pytest.mark.parametrize("one", TRIALS, ids=lambda one: one.name)
def test_nothing_fails_in_a_small_share_of_the_trial(one: Trial) -> None:
    assert one.trial(1, one.small) == []
