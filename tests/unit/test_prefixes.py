"""What a trace's prompts share: read, kept in a cache of the replica's size, routed by."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftsched.core.errors import TraceError
from driftsched.scenario import Scenario, load_scenario, parse_scenario
from driftsched.simulation import simulate
from driftsched.workload import TraceImport, import_trace
from driftsched.workload.traces import rows as rows_module
from driftsched.workload.traces.prefixes import first_blocks, found_blocks
from tests.support.same_tables import assert_engines_agree

GPU = {"gpu": "L4", "model": "qwen1.5-1.8b", "context_tokens": 32768}
"""Its KV cache has room for about 120 blocks of 512 tokens."""


def traced(file: str = "-", cluster: dict[str, Any] | None = None, **more: Any) -> Scenario:
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    engine = {"mode": "continuous", "batch_size": 8}
    return parse_scenario(
        data
        | {"phases": [], "trace": {"file": file}, "engine": engine}
        | {"cluster": GPU | (cluster or {})}
        | more
    )


def lines(prompts: Sequence[tuple[int, list[int]]], gap_ms: int = 500) -> str:
    """A trace of prompts, each its tokens and blocks."""
    return "\n".join(
        json.dumps(
            {
                "timestamp": gap_ms * n,
                "input_length": tokens,
                "output_length": 5,
                "hash_ids": blocks,
            }
        )
        for n, (tokens, blocks) in enumerate(prompts)
    )


def read(text: str, **more: Any) -> TraceImport:
    return import_trace(traced(**more), io.BytesIO(text.encode()))


def test_what_a_prompt_shares_with_an_earlier_one_is_cached_up_to_the_first_difference() -> None:
    report = read(lines([(1300, [1, 2, 3]), (1300, [1, 2, 4]), (1300, [5, 2, 3]), (1024, [1, 2])]))
    assert report.workload.cached_tokens is not None
    assert report.workload.cached_tokens.tolist() == [0, 1024, 0, 1024]
    first = report.workload.first_block
    assert first is not None
    assert first[0] == first[1] == first[3] != first[2]
    # the last token of a prompt is always computed: 1024 - 16 of the fourth
    assert any("41 % of the prompts' tokens" in rule for rule in report.rules)


def test_a_conversation_longer_than_the_cache_pushes_the_oldest_out() -> None:
    alone, other = list(range(60)), list(range(100, 190))
    again = read(lines([(30_000, alone), (30_000, alone)]))
    between = read(lines([(30_000, alone), (32_000, other), (30_000, alone)]))
    assert again.workload.cached_tokens is not None
    assert again.workload.cached_tokens[1] == 30_000
    assert between.workload.cached_tokens is not None
    assert 0 < between.workload.cached_tokens[2] < 30_000, "the last blocks of it went first"


def held(blocks: list[list[int]], size: int) -> list[int]:
    """The rule by age: each block's last use, the later blocks of a prompt being older."""
    used: dict[int, tuple[int, int]] = {}
    found = []
    for now, own in enumerate(blocks):
        misses = [n for n, block in enumerate(own) if block not in used]
        found.append(misses[0] if misses else len(own))
        for n, block in reversed(list(enumerate(own))):
            used[block] = (now, -n)
        for block in sorted(used, key=lambda block: used[block])[: max(0, len(used) - size)]:
            del used[block]
    return found


@given(st.lists(st.lists(st.integers(0, 12), max_size=6), max_size=30), st.integers(0, 8))
def test_found_blocks_are_those_of_the_rule(blocks: list[list[int]], size: int) -> None:
    lists = pa.array(blocks, pa.list_(pa.int64()))
    found = found_blocks(lists, np.zeros(len(blocks), np.int64), [size])
    assert found.tolist() == held(blocks, size)


def test_a_prompt_without_blocks_begins_like_no_other() -> None:
    lists = pa.array([[7], [], [7, 8], [], [9]], pa.list_(pa.int64()))
    first = first_blocks(lists).tolist()
    assert first[0] == first[2]
    assert len({first[0], first[1], first[3], first[4]}) == 4
    assert min(first) >= 0


@pytest.mark.parametrize("blocks", [None, "x", [1.5], [-1], [[1]], [10**18]])
def test_a_row_whose_blocks_are_no_list_of_numbers_is_named(blocks: Any) -> None:
    good = {"timestamp": 0, "input_length": 9, "output_length": 5, "hash_ids": [1]}
    text = "\n".join(json.dumps(row) for row in (good, good | {"hash_ids": blocks}))
    with pytest.raises(TraceError, match="line 2, column hash_ids: must be a list of whole"):
        read(text)


def test_blocks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MAX_BLOCKS", 5)
    with pytest.raises(TraceError, match="at most 5 blocks of prompts"):
        read(lines([(1300, [1, 2, 3]), (1300, [1, 2, 3])]))


def test_any_file_may_name_its_blocks() -> None:
    columns = {
        "time": "t",
        "prompt_tokens": "p",
        "output_tokens": "o",
        "blocks": "shared",
        "block_tokens": 64,
    }
    rows = 't,p,o,shared,who\n0,200,5,"[1, 2]",a\n1,200,5,"[ 1,2 ,3]",b\n'
    rules = {"file": "-", "format": "columns", "columns": columns | {"client": "who"}}
    found = read(rows, trace=rules)
    assert found.workload.cached_tokens is not None
    assert found.workload.cached_tokens.tolist() == [0, 128]
    assert found.clients == 2


def conversations(path: Path) -> str:
    """Twelve conversations of five turns, each with all that was said before."""
    rng = np.random.default_rng(3)
    prompts = [
        (512 * (4 + 2 * turn), [1000 * who + n for n in range(4 + 2 * turn)])
        for turn in range(5)
        for who in rng.permutation(12).tolist()
    ]
    file = path / "conversations.jsonl"
    file.write_text(lines(prompts, gap_ms=150))
    return str(file)


@pytest.mark.parametrize("router", ["prefix_affinity", "least_outstanding"])
def test_both_engines_serve_shared_prompts_alike(router: str, tmp_path: Path) -> None:
    cluster = {"replicas": 3, "queue": "per_replica", "router": {"kind": router}}
    scenario = traced(conversations(tmp_path), cluster)
    assert_engines_agree(scenario)


def test_sending_prompts_to_what_they_share_saves_prefill(tmp_path: Path) -> None:
    file = conversations(tmp_path)
    first_s = {}
    for router in ("prefix_affinity", "round_robin"):
        cluster = {"replicas": 3, "queue": "per_replica", "router": {"kind": router}}
        requests = simulate(traced(file, cluster)).requests
        first_s[router] = (requests["first_token_s"] - requests["dispatch_s"]).mean()
        if router == "prefix_affinity":
            lists = [json.loads(line)["hash_ids"][0] for line in Path(file).read_text().split("\n")]
            homes = requests.sort_values("request_id")["replica"].to_numpy()
            assert all(len({*homes[np.array(lists) == one]}) == 1 for one in set(lists))
    assert first_s["prefix_affinity"] < 0.8 * first_s["round_robin"]
