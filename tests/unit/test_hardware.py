"""The catalogue, a user's own entries, tensor parallelism, memory."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from driftsched.core.errors import ScenarioError
from driftsched.scenario import Scenario, apply_overrides, from_yaml, parse_scenario, to_yaml
from driftsched.serving import GPUS, MODELS, STACKS
from driftsched.serving.cost import RooflineConfig
from driftsched.serving.memory import kv_blocks, kv_capacity_tokens
from driftsched.serving.roofline import all_reduce_s
from driftsched.simulation import simulate
from tests.support.scenarios import small

OWN_GPU = {"tflops": 50, "bandwidth_gbs": 600, "memory_gb": 48, "tdp_w": 250, "idle_w": 20}
OWN_MODEL = {"layers": 12, "hidden": 768, "heads": 12, "kv_heads": 12, "params_b": 0.124}
TABLE = {"kind": "table", "iteration_tokens": [1, 512], "iteration_ms": [10, 30]}


def refused(cluster: dict[str, Any]) -> str:
    with pytest.raises(ScenarioError) as error:
        small(cluster=cluster)
    said = str(error.value)
    assert "\n" not in said
    return said


def test_every_row_says_where_it_comes_from() -> None:
    """A figure without a source cannot be checked by anyone."""
    for registry in (GPUS, MODELS, STACKS):
        assert all(len(entry.source) > 5 for entry in registry.values())


def test_every_stack_can_be_chosen() -> None:
    """A row of the catalogue that no scenario may name is of no use."""
    options = get_args(RooflineConfig.model_fields["stack"].annotation)
    assert set(options) == {"auto", *STACKS}


def test_own_gpu_and_model_are_used_and_kept() -> None:
    """A user's hardware must survive the file and set the pace, not the catalogue's default."""
    scenario = small(
        cluster={
            "own_gpus": {"mine": OWN_GPU},
            "own_models": {"gpt2": OWN_MODEL},
            "gpu": "mine",
            "model": "gpt2",
        }
    )
    assert from_yaml(to_yaml(scenario)) == scenario
    expected = 2 * 0.124e9 / (0.8 * 600e9) + 9 * OWN_MODEL["layers"] * 4.2e-6
    assert scenario.cluster.build_cost().linear(1) == pytest.approx(expected, rel=1e-3)
    gpus = simulate(scenario).gpus
    assert gpus["power_w"].max() <= 250
    assert (gpus["memory_total_mb"] == 48_000).all()


def test_own_entries_fit_into_a_link() -> None:
    """Links and the command line carry a scenario as overrides of its preset."""
    data = apply_overrides(
        small().model_dump(mode="json", by_alias=True, exclude_none=True),
        [
            "cluster.own_gpus.mine={tflops: 50, bandwidth_gbs: 600, memory_gb: 48, tdp_w: 250, "
            "idle_w: 20}",
            "cluster.gpu=mine",
            "cluster.cost={kind: table, iteration_tokens: [1, 512], iteration_ms: [10, 30]}",
        ],
    )
    scenario: Scenario = parse_scenario(data)
    assert scenario.cluster.find_gpu().tdp_w == 250
    assert scenario.cluster.build_cost().iteration(256, 0, 0) == pytest.approx(0.0199804, rel=1e-5)


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"own_gpus": {"L4": OWN_GPU}}, "cluster.own_gpus: names must not be in the catalogue"),
        ({"own_gpus": {"a b": OWN_GPU}}, "cluster.own_gpus"),
        ({"own_gpus": {"x": {}}}, "cluster.own_gpus.x.tflops is required"),
        ({"own_gpus": {"x": OWN_GPU | {"tflops": 0}}}, "cluster.own_gpus.x.tflops must be > 0"),
        ({"own_gpus": {"x": OWN_GPU | {"idle_w": 300}}}, "idle_w must be <= tdp_w (250), got 300"),
        ({"own_models": {"x": OWN_MODEL | {"kv_heads": 5}}}, "multiple of kv_heads (5), got 12"),
        ({"own_models": {"x": OWN_MODEL | {"weights": "fp2"}}}, "weights must be 'fp16', 'fp8' or"),
        ({"gpu": "mine"}, "cluster.gpu: GPU must be one of T4, L4"),
        ({"tensor_parallel": 3}, "cluster.tensor_parallel: must divide the 16 heads of qwen1.5"),
        ({"price_per_gpu_hour": -1}, "cluster.price_per_gpu_hour must be >= 0, got -1"),
        (
            {"cost": {"kind": "roofline", "stack": "x"}},
            "stack must be 'auto', 'kernels' or 'vllm-0.2', got 'x'",
        ),
        ({"cost": TABLE | {"iteration_ms": [10]}}, "must be equally long, got 2 and 1"),
        ({"cost": TABLE | {"iteration_tokens": [9, 9]}}, "must ascend, got 9 after 9"),
        ({"cost": TABLE | {"iteration_ms": [30, 10]}}, "must not fall, got 10 at 512 tokens after"),
        ({"cost": TABLE | {"iteration_ms": [0, 10]}}, "the first of iteration_ms must be > 0"),
        ({"cost": TABLE | {"kv_tokens": [1]}}, "kv_tokens and kv_ms must be equally long"),
    ],
)
def test_a_broken_entry_is_one_line(cluster: dict[str, Any], message: str) -> None:
    """A user must see which figure of a data sheet breaks which rule."""
    assert message in refused(cluster)


def test_paper_set_up_holds_about_60_000_tokens() -> None:
    """0.70 of an L4 beside Qwen1.5-1.8B; much less, and the paper's set-up would preempt."""
    assert kv_capacity_tokens(small().cluster) == pytest.approx(60_000, rel=0.05)


def test_tensor_parallelism_splits_weights_and_cache() -> None:
    """A GPU holds 1/N of the weights and its heads of the cache, never less than one head."""
    cluster = small(
        cluster={"gpu": "A100-80", "model": "llama-2-70b", "tensor_parallel": 8}
    ).cluster
    free = 80e9 * 0.7 - 138e9 / 8 - 1e9
    assert kv_capacity_tokens(cluster) == int(free / (327_680 / 8))
    sixteen = cluster.model_copy(update={"tensor_parallel": 16})
    free = 80e9 * 0.7 - 138e9 / 16 - 1e9
    assert kv_capacity_tokens(sixteen) == int(free / (327_680 / 8))
    assert kv_blocks(1000, 16) == 62


def test_weights_that_do_not_fit_are_refused_with_the_sizes() -> None:
    """Else a run would begin with no room for a single token."""
    cluster = small(cluster={"gpu": "L4", "model": "llama-3-70b", "tensor_parallel": 2}).cluster
    with pytest.raises(ScenarioError, match=r"70\.6 GB for its weights and 1 GB .* on each GPU"):
        kv_capacity_tokens(cluster)


def test_ring_all_reduce() -> None:
    """2(N - 1) steps of 1/N of the message: the textbook cost, nothing on one GPU."""
    h100 = GPUS["H100"]
    assert all_reduce_s(h100, 1, 0.8) == (0.0, 0.0)
    call_s, byte_s = all_reduce_s(h100, 8, 0.8)
    assert call_s == pytest.approx(14 * 2.1e-6)
    assert byte_s == pytest.approx(14 / 8 / (0.8 * 450e9))


def test_more_gpus_make_long_prompts_faster_and_pay_for_talking() -> None:
    """Eight GPUs must be faster than one, but by less than eight times."""
    kernels = RooflineConfig(stack="kernels")
    one, eight = (kernels.build(GPUS["H100"], MODELS["llama-3-8b"], n) for n in (1, 8))
    seconds = [cost.iteration(4096, 0, 4096**2) for cost in (one, eight)]
    assert 1 < seconds[0] / seconds[1] < 8


@pytest.mark.parametrize(("weights", "share"), [("fp8", 0.5), ("int4", 0.265)])
def test_quantised_weights_are_read_faster(weights: str, share: float) -> None:
    """A decode step is bound by the bytes of the weights."""
    half, less = (
        small(
            cluster={"own_models": {"x": OWN_MODEL | {"weights": kind}}, "model": "x"}
        ).cluster.build_cost()
        for kind in ("fp16", weights)
    )
    read_s = [cost.linear(1) - cost.kernel_s for cost in (less, half)]
    assert read_s[0] / read_s[1] == pytest.approx(share, rel=0.01)
