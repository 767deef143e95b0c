"""Clusters of several replicas: what a scenario may say, and what the tables show."""

import numpy as np
import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import from_yaml, to_yaml
from driftsched.serving.catalogue import GPUS
from driftsched.simulation import simulate
from tests.support.scenarios import small


def test_pools_take_what_they_leave_out_from_the_cluster() -> None:
    """A pool that forgot the cluster's model or cost would run something else than was written."""
    cluster = {
        "model": "smollm2-135m",
        "pools": [{"gpu": "A100-80", "replicas": 2}, {"model": "qwen1.5-1.8b"}],
    }
    machines = small(cluster=cluster).cluster.machines
    assert [(m.gpu, m.model) for m in machines] == [
        ("A100-80", "smollm2-135m"),
        ("A100-80", "smollm2-135m"),
        ("L4", "qwen1.5-1.8b"),
    ]
    assert all(machine.replicas == 1 and not machine.pools for machine in machines)


def test_a_cluster_survives_yaml() -> None:
    """Pools or routers lost in YAML would make a shared scenario another one."""
    scenario = small(
        cluster={
            "queue": "per_replica",
            "router": {"kind": "power_of_two"},
            "pools": [{}, {"gpu": "T4"}],
        }
    )
    assert from_yaml(to_yaml(scenario)) == scenario


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"replicas": 0}, "cluster.replicas must be >= 1, got 0"),
        (
            {"replicas": 2, "pools": [{}]},
            "replicas must be left out where pools count their own, got 2",
        ),
        ({"pools": [{"gpu": "nope"}]}, "cluster: pools[0]: GPU must be one of T4, L4"),
        ({"router": {"kind": "nope"}}, "cluster.router must have a kind of"),
        ({"pools": [{"model": "llama-3-70b"}]}, "llama-3-70b needs 141.2 GB for its weights"),
    ],
)
def test_a_wrong_cluster_is_one_clear_line(cluster: dict[str, object], message: str) -> None:
    """A wrong cluster must be refused with its path, not run as something else."""
    with pytest.raises(ScenarioError, match=r"^[^\n]*$") as caught:
        simulate(small(cluster=cluster))
    assert message in str(caught.value)


@pytest.mark.parametrize("mode", ["gang", "continuous"])
@pytest.mark.parametrize("queue", ["central", "per_replica"])
def test_each_replica_has_its_own_gpu_rows(mode: str, queue: str) -> None:
    """Rows of one GPU shown for another would give a wrong power and memory picture."""
    scenario = small(
        engine={"mode": mode, "batch_size": 4},
        cluster={"queue": queue, "pools": [{"gpu": "L4"}, {"gpu": "A100-80"}]},
    )
    result = simulate(scenario)
    assert sorted(result.requests["replica"].unique()) == [0, 1]
    for number, name in enumerate(("L4", "A100-80")):
        own = result.gpus[result.gpus["replica"] == number]
        assert own["power_w"].min() >= GPUS[name].idle_w
        assert own["power_w"].max() <= GPUS[name].tdp_w
        assert own["running"].max() <= 4
    first, second = (
        result.gpus.loc[result.gpus["replica"] == n, "time_s"].to_numpy() for n in (0, 1)
    )
    np.testing.assert_array_equal(first, second)


def test_an_idle_replica_takes_a_request_at_once() -> None:
    """With a replica for each request nobody may wait for one that was told too late."""
    phase = small().phases[0].model_dump(mode="json", exclude_none=True) | {"requests": 8}
    for queue in ("central", "per_replica"):
        cluster = {"replicas": 8, "queue": queue}
        engine = {"mode": "continuous", "batch_size": 1}
        table = simulate(small(cluster=cluster, engine=engine, phases=[phase])).requests
        assert (table["queue_wait_s"] == 0).all()


def test_a_place_freed_on_one_replica_is_taken_on_another() -> None:
    """A running limit holds across the cluster: an idle replica must hear of a freed place."""
    base = small().model_dump(mode="json", by_alias=True, exclude_none=True)
    tenants = [tenant | {"limits": {"running": 1}} for tenant in base["tenants"]]
    cluster = {"replicas": 2, "queue": "per_replica", "router": {"kind": "round_robin"}}
    result = simulate(
        small(tenants=tenants, cluster=cluster, engine={"mode": "continuous", "batch_size": 1})
    )
    assert (result.requests["status"] == "finished").all()
    assert result.queues["running"].max() == 1
