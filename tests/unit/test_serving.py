"""Continuous batching by hand: chunks, blocks, preemption, prefix hits."""

import numpy as np
import pandas as pd
import pytest

from driftsched.core.errors import ScenarioError
from driftsched.serving.batching import iterations_lasting, new_blocks
from driftsched.simulation import simulate
from driftsched.simulation.paging import BlockTable
from tests.support.scenarios import small


def served(
    engine: dict[str, object], prompt: int = 100, output: int = 5, n: int = 1, hits: float = 0
) -> pd.DataFrame:
    """A run of `n` requests at once, an iteration a second."""
    base = small().model_dump(mode="json", by_alias=True, exclude_none=True)
    category = base["categories"][0] | {
        "max_output_tokens": output,
        "prompt_tokens": {"kind": "constant", "tokens": prompt},
        "output_tokens": {"kind": "constant", "tokens": output},
    }
    phase = base["phases"][0] | {
        "requests": n,
        "arrivals": {"kind": "uniform", "low_s": 1e-6, "high_s": 1e-6},
    }
    scenario = small(
        categories=[category],
        phases=[phase],
        tenants=[tenant | {"prefix_hit_rate": hits} for tenant in base["tenants"]],
        engine={"mode": "continuous"} | engine,
        cluster={"memory_utilisation": 0.2015, "cost": {"kind": "constant", "token_s": 1}},
    )
    return simulate(scenario, engine="simpy").requests


@pytest.mark.parametrize(
    ("budget", "hits", "iterations"),
    [(None, 0, 1), (100, 0, 1), (99, 0, 2), (32, 0, 4), (32, 0.5, 2), (32, 1, 1)],
)
def test_a_prompt_takes_as_many_iterations_as_the_budget_says(
    budget: int | None, hits: float, iterations: int
) -> None:
    """100 tokens in chunks; hits are whole blocks of 16 (48 of 50, 96 of 100) and not computed."""
    table = served({"max_num_batched_tokens": budget}, hits=hits)
    assert table["ttft_s"].iloc[0] == pytest.approx(iterations)
    assert table["e2e_s"].iloc[0] == pytest.approx(iterations + 4)


def test_the_second_prompt_gets_what_the_first_leaves() -> None:
    """48 tokens: 40 of the first and 8 of the second, then 1 + 32 as the first decodes."""
    table = served({"max_num_batched_tokens": 48}, prompt=40, n=2)
    assert table["first_token_s"].round(3).tolist() == [1, 2]


def test_blocks_that_run_out_preempt_the_last_admitted() -> None:
    """Whoever came first must not be held up, and the victim computes its tokens again."""
    table = served({"kv": "paged", "batch_size": 4}, prompt=200, output=120, n=4)
    assert (table["status"] == "finished").all()
    assert table["preemptions"].iloc[0] == 0
    assert table["preemptions"].sum() > 0
    assert table["finish_s"].iloc[0] == pytest.approx(120, abs=2)
    assert (table["first_token_s"] <= table["finish_s"]).all()


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (
            {"max_num_batched_tokens": 8, "batch_size": 9},
            "engine: max_num_batched_tokens must be >= batch_size (9), a token for each, got 8",
        ),
        (
            {"max_num_batched_tokens": 64, "chunked_prefill": False},
            "must be >= cluster.context_tokens (2048) without chunked_prefill, got 64",
        ),
        ({"mode": "gang", "kv": "paged"}, "kv must be 'reserve' in gang mode, got 'paged'"),
        ({"kv": "paged", "block_tokens": 4096}, "engine.block_tokens must be <= the"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(engine: dict[str, object], message: str) -> None:
    """A prompt that never fits the budget, for one, would wait for ever."""
    with pytest.raises(ScenarioError) as caught:
        served(engine)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_blocks_by_slot_equal_counting_them_one_by_one() -> None:
    """A wrong count would preempt too early, or let more be held than there is."""
    rng = np.random.default_rng(4)
    for size in (1, 2, 7, 16):
        table = BlockTable(1000, size)
        bases = rng.integers(-50, 200, 9).tolist()
        for number, base in enumerate(bases):
            table.seat(number, base)  # type: ignore[arg-type]
        for first, count in [(60, 1), (61, 5), (70, 16), (71, 100)]:
            needed = [
                sum(-(-(b + j) // size) for b in bases) for j in (first - 1, first + count - 1)
            ]
            assert new_blocks(table.slots, size, 9, first, count) == needed[1] - needed[0]
            for free in (0, 1, 8, 9, 30):
                lasting = iterations_lasting(table.slots, size, 9, free, first, count)
                assert 0 <= lasting <= count
                assert not lasting or new_blocks(table.slots, size, 9, first, lasting) <= free
                more = new_blocks(table.slots, size, 9, first, lasting + 1)
                assert lasting == count or more > free
