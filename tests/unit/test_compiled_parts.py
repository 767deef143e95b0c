"""The kernel's parts, against Python's own and against the classes that they mirror."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.scenario import changed
from driftsched.scenario.cluster import Cluster
from driftsched.simulation import simulate
from driftsched.simulation.compiled.cost import (
    cost_of,
    decode_seconds,
    iteration_seconds,
    iterations_past,
)
from driftsched.simulation.compiled.fleet import pack_fleet
from driftsched.simulation.compiled.jit import folder, inlined
from driftsched.simulation.compiled.order import ENTRY, pop, pop_row, push, push_row, remove_row
from driftsched.simulation.compiled.state import ID_BITS, ID_MASK, Costs
from driftsched.workload import generate
from tests.support.same_tables import assert_engines_agree
from tests.support.scenarios import small

TABLE = {
    "kind": "table",
    "iteration_tokens": [1, 32, 128, 512, 2048],
    "iteration_ms": [9.8, 11.0, 13.3, 34.9, 144.5],
    "kv_tokens": [100, 1000, 50_000],
    "kv_ms": [0.1, 0.5, 20],
    "attention_s": 1e-10,
    "overhead_s": 0.001,
}
COSTS: dict[str, dict[str, Any]] = {
    "measured table": {"cost": TABLE},
    "table without cache": {"cost": TABLE | {"kv_tokens": [], "kv_ms": []}},
    "constant rate": {"cost": {"kind": "constant", "token_s": 0.02}},
    "coefficients": {
        "cost": {"kind": "coefficients", "overhead_s": 0.001, "weights_s": 0.01, "token_s": 2e-5}
    },
    "two GPUs": {"tensor_parallel": 2},
}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=200))
def test_the_heap_gives_back_by_key_and_then_by_id(steps: list[tuple[int, bool]]) -> None:
    """Otherwise requests would be served out of order."""
    heap = np.empty(200, ENTRY)
    expected: list[tuple[float, int]] = []
    for item, (key, take) in enumerate(steps):
        if take and expected:
            assert pop(heap, len(expected)) == heapq.heappop(expected)[1]
        push(heap, len(expected), float(key), item)
        heapq.heappush(expected, (float(key), item))
    while expected:
        assert pop(heap, len(expected)) == heapq.heappop(expected)[1]


@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=60), st.data())
def test_a_row_gives_back_the_least_also_after_a_removal(values: set[int], data: Any) -> None:
    """Otherwise a preempted request would leave others to finish at the wrong time."""
    row = np.empty(60, np.int64)
    for place, value in enumerate(sorted(values, key=lambda v: v % 97)):
        push_row(row, place, value << ID_BITS | place)
    size = len(values)
    entries = sorted(row[:size].tolist())
    gone = data.draw(st.sampled_from(entries))
    assert remove_row(row, size, gone & ID_MASK) == gone
    entries.remove(gone)
    for left in range(len(entries), 0, -1):
        assert pop_row(row, left) == entries.pop(0)


# as the kernel: with references counted here alone, arrays would be freed that are still in use
@inlined
def compiled_costs(
    costs: Costs, tokens: int, kv: int, steps: int, running: int, until_s: float
) -> tuple[float, float, int]:
    """The cost's functions as the kernel has them."""
    cost = cost_of(costs, 0)
    return (
        iteration_seconds(cost, tokens, kv, tokens * tokens, running, 1),
        decode_seconds(cost, steps, running, kv),
        iterations_past(cost, until_s, running, kv),
    )


@pytest.mark.parametrize("name", COSTS)
@given(
    tokens=st.integers(1, 5000),
    kv=st.integers(0, 60_000),
    steps=st.integers(1, 3000),
    running=st.integers(1, 32),
)
def test_iterations_cost_what_the_cost_model_says(
    name: str, tokens: int, kv: int, steps: int, running: int
) -> None:
    """Otherwise the two engines' clocks would drift apart, by rounding or by more."""
    scenario = small(cluster=COSTS[name])
    model = Cluster.model_validate(COSTS[name]).build_cost()
    costs = pack_fleet(scenario, 1000)["costs"]
    lasting = model.decode_seconds(steps, running, kv)
    found, _ = model.iterations_past(lasting * 0.7, running, kv)
    expected = (model.iteration(tokens, kv, tokens * tokens, running, 1), lasting, found)
    assert compiled_costs(costs, tokens, kv, steps, running, lasting * 0.7) == expected


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("name", COSTS)
def test_both_engines_agree_under_every_kind_of_cost(name: str, mode: str) -> None:
    scenario = small(cluster=COSTS[name])
    assert_engines_agree(changed(scenario, engine__mode=mode, engine__batch_size=5))


def test_columns_that_may_not_be_written_to_are_taken() -> None:
    """Else a workload made of a table, as a live run's twin is, would not compile."""
    scenario = small(
        tenants=[
            {
                "name": "all",
                "share": 1,
                "patience": {"abandonment": {"kind": "exponential", "mean_s": 9}},
            }
        ]
    )
    workload = generate(scenario)
    for column in vars(workload).values():
        if isinstance(column, np.ndarray):
            column.flags.writeable = False
    compiled = simulate(scenario, workload, engine="compiled").requests
    assert compiled.equals(simulate(scenario, workload, engine="simpy").requests)


def test_code_is_kept_in_the_home_where_the_package_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else each worker of a server with a read-only package would compile for a minute."""
    monkeypatch.setenv("DRIFTSCHED_HOME", str(tmp_path))
    monkeypatch.setattr("os.access", lambda place, mode: Path(place) == tmp_path)
    assert Path(folder.__wrapped__()).parent == tmp_path
