"""Phases one after the other, also those in which nobody asks."""

import pytest

from driftsched.scenario import changed
from driftsched.simulation import EngineName, simulate
from tests.support.scenarios import small


@pytest.mark.parametrize("engine", ["simpy", "compiled"])
@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("drain", [True, False])
def test_phases_in_which_nobody_asks_let_the_next_one_begin(
    engine: EngineName, replicas: int, drain: bool
) -> None:
    """Users who are still thinking when their phase ends would leave all later requests unmade."""
    drawn = small(cluster={"replicas": replicas})
    asking = drawn.phases[0].model_dump() | {"requests": 5, "drain": drain}
    loop = {"kind": "closed_loop", "users": 1, "think": {"kind": "constant", "seconds": 9}}
    thinking = asking | {"requests": None, "duration_s": 2.0, "arrivals": loop}
    names = ("before", "first", "second", "after")
    phases = [
        one | {"name": name}
        for one, name in zip((asking, thinking, thinking, asking), names, strict=True)
    ]
    table = simulate(changed(drawn, phases=phases), engine=engine).requests
    assert (table["status"] == "finished").all()
    assert len(table) == 10
    assert table["arrival_s"][5] - table["arrival_s"][4] > 4
