"""Load and what a short run shows, in words: the sentences, the figures in them, the cut."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from driftsched.experiments.forecast import LEVELS, arrival_rates, forecast
from driftsched.experiments.load import offered_load
from driftsched.results.marks import run_marks
from driftsched.results.queues import sample_queues
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario, changed, load_scenario, parse_scenario, with_load
from driftsched.serving.memory import memory_parts
from driftsched.simulation import simulate
from driftsched.workload import generate, import_trace


def served(*phases: dict[str, Any], **fields: Any) -> Scenario:
    """One server of constant rate that serves exactly 10 requests a second."""
    data = json.loads(load_scenario("paper").model_dump_json(by_alias=True))
    data["cluster"]["cost"] = {"kind": "constant", "token_s": 0.002}
    data["engine"] = {"mode": "continuous", "batch_size": 1}
    for category in data["categories"]:
        category |= {"max_output_tokens": 500, "output_tokens": {"kind": "constant", "tokens": 50}}
    base = {"mix": {"report": 1}, "duration_s": 100}
    data["phases"] = [base | {"name": f"p{n}"} | phase for n, phase in enumerate(phases)]
    return parse_scenario(data | fields)


def steady(rate_rps: float, **more: Any) -> dict[str, Any]:
    gap = 1 / rate_rps
    return {"arrivals": {"kind": "uniform", "low_s": gap, "high_s": gap}} | more


def with_tenant(scenario: Scenario, **fields: Any) -> Scenario:
    """The scenario with fields of its first tenant replaced."""
    first, *others = scenario.model_dump(by_alias=True)["tenants"]
    return changed(scenario, tenants=[first | fields, *others])


def said(scenario: Scenario, about: str) -> list[tuple[str, str]]:
    return [(f.level, f.text) for f in forecast(scenario).findings if f.about == about]


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*\d|\d", text)]


def test_overload_grows_the_queue_as_the_fluid_limit_says() -> None:
    """13 requests/s into a server of 10 for 100 s leave 300, a wait of 30 s; 5/s drain them."""
    scenario = served(steady(13), steady(5))
    over, calm = offered_load(scenario).phases
    assert (over.rho, calm.rho) == pytest.approx((1.3, 0.5))
    ((level, text),) = said(scenario, "p0")
    assert level == "warning"
    assert text.startswith("p0: ρ = 1.3: the queue grows from ")
    before, after, wait_s = numbers(text)[-3:]
    assert before <= 1
    assert after == pytest.approx(300, abs=5)
    assert wait_s == pytest.approx(30, abs=1)
    ((level, text),) = said(scenario, "p1")
    assert level == "info"
    assert numbers(text)[-2:] == pytest.approx([after, 0], abs=2)


def test_backlog_left_at_the_end_is_said() -> None:
    """300 requests that still wait make the run 30 s longer than its traffic."""
    ((level, text),) = said(served(steady(13)), "end")
    assert level == "info"
    assert numbers(text) == pytest.approx([300, 30], abs=2)


def test_drift_is_seen_in_the_queue() -> None:
    """Answers twice as long halve what the server can do from that moment on."""
    event = {"kind": "step", "factor": 2, "at_s": 50}
    scenario = served(steady(8), drift=[event])
    assert said(scenario, "p0")[0][0] == "ok"
    ((level, text),) = said(scenario, "lengths ×2")
    assert level == "warning"
    assert text.startswith("lengths ×2: from 50 s: the queue grows from ")
    assert numbers(text)[-2] == pytest.approx((8 - 5) * 50, rel=0.05)


def test_rush_inside_a_phase_is_not_hidden_by_its_mean() -> None:
    """A mean below capacity hides a minute above it."""
    wave = {"kind": "diurnal", "base_rps": 9, "amplitude": 0.8, "period_s": 100, "peak_s": 50}
    scenario = served({"arrivals": wave})
    assert offered_load(scenario).peak.rho == pytest.approx(0.9, abs=0.01)
    levels = [level for level, _ in said(scenario, "p0")]
    assert levels == ["warning"]


def test_closed_loop_never_grows_without_bound() -> None:
    """Users who wait for each other are no unbounded queue, however many they are."""
    loop = {"kind": "closed_loop", "users": 50, "think": {"kind": "exponential", "mean_s": 2}}
    ((level, text),) = said(served({"arrivals": loop}), "p0")
    assert level == "ok"
    assert text.endswith("users wait for each other.")
    assert "grows" not in text


def test_replicas_add_up() -> None:
    """Four servers have four times the capacity; the load is a fourth."""
    scenario = served(steady(20))
    one = offered_load(scenario).peak
    four = offered_load(changed(scenario, cluster__replicas=4)).peak
    assert four.saturation_rps == pytest.approx(4 * one.saturation_rps)
    assert four.rho == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("overrides", "level", "words"),
    [
        (["cluster.memory_utilisation=0.24"], "warning", "is never reached"),
        (["tenants.0.limits={rate_rps: 0.5}"], "warning", "rate limit of 0.5 requests/s reached"),
        (
            ["tenants.0.patience={timeout_s: 10}"],
            "warning",
            "requests time out: not finished within 10 s",
        ),
        (
            [
                "tenants.1.patience={abandonment: {kind: exponential, mean_s: 5}}",
                "tenants.1.retries={attempts: 3, after: [cancelled]}",
            ],
            "warning",
            "standard's clients ask again, which adds",
        ),
        (["lengths=capped", "drift=[{kind: step, factor: 2}]"], "warning", "changes nothing"),
        (
            ["phases.0.arrivals={kind: gamma, rate_rps: 2.5, cv: 4}"],
            "warning",
            "requests come in bursts",
        ),
        (["cluster.context_tokens=100000", "categories.0.max_output_tokens=90000"], "error", "may"),
        ([], "info", "% of the answers are cut at max_output_tokens"),
    ],
)
def test_what_will_hurt_is_said(overrides: list[str], level: str, words: str) -> None:
    """Each of these has a cause in the scenario that a user would look for in vain in charts."""
    found = forecast(load_scenario("paper-continuous", overrides)).findings
    assert any(f.level == level and words in f.text for f in found), found
    places = [LEVELS.index(f.level) for f in found]
    assert places == sorted(places)
    assert not [finding for finding in found if "\n" in finding.text]


def test_share_that_a_limit_turns_away_is_the_runs_own() -> None:
    """A limit at the mean rate already turns much away, which the mean alone would not tell."""
    name = load_scenario("azure-conversation").tenants[0].name
    scenario = with_tenant(load_scenario("azure-conversation"), limits={"rate_rps": 1.1})
    requests = simulate(scenario).requests
    mine = requests[requests["tenant"] == name]
    share = 100 * float((mine["status"] == "rejected").mean())
    assert share > 20
    ((level, text),) = said(scenario, name)
    assert level == "warning"
    assert f"{share:.2g} % of the requests are rejected" in text


def test_prefix_hits_lower_the_load_as_a_run_shows() -> None:
    """Without hits the preset is beyond its capacity: the wait at its end tells by how much."""
    cached = load_scenario("prefix-caching")
    cold = with_tenant(cached, prefix_hit_rate=0)
    assert offered_load(cached).peak.rho < 0.9
    over = offered_load(cold).peak.rho
    assert over > 1.1
    requests = simulate(cold).requests
    last = requests[requests["arrival_s"] > 230]
    wait_s = (over - 1) * float(requests["arrival_s"].max())
    assert float(last["ttft_s"].median()) == pytest.approx(wait_s, rel=0.35)


def test_blocks_hold_more_requests_than_reservations() -> None:
    """Paged memory holds what requests have so far, so more of them; a run shows how many."""
    paged = load_scenario("kv-pressure")
    held = changed(paged, engine__kv="reserve")
    batch = offered_load(paged).peak.batch
    assert batch > 2 * offered_load(held).peak.batch
    ((level, text),) = said(held, "kv")
    assert level == "warning"
    assert "a batch of 64 is never reached" in text
    assert "requests were preempted" in said(paged, "kv")[0][1]
    gpus = simulate(paged).gpus
    full = gpus[gpus["kv_used_tokens"] > 0.95 * gpus["kv_capacity_tokens"]]
    assert float(full["running"].mean()) == pytest.approx(batch, rel=0.15)


@pytest.mark.parametrize("name", ["paper", "tensor-parallel", "kv-pressure"])
def test_parts_of_the_memory_add_up_to_the_gpus(name: str) -> None:
    """The bar is the whole GPU, and its KV cache the one that requests are held in."""
    cluster = load_scenario(name).cluster
    parts = memory_parts(cluster)
    assert sum(parts.values()) == pytest.approx(cluster.find_gpu().memory_gb)
    used = sum(parts.values()) - parts["Left free"]
    full = cluster.memory_utilisation * cluster.find_gpu().memory_gb
    assert full - 0.001 < used <= full


def test_lengths_after_drift_are_those_of_later_requests() -> None:
    """Requests before the new model would hide how much longer its answers are."""
    scenario = load_scenario("new-model")
    drifted = forecast(scenario).requests["drifted"]
    assert drifted.sum() == (generate(scenario).arrival_s >= 120).sum()
    assert not forecast(changed(scenario, drift=())).requests["drifted"].any()


def test_goal_that_no_answer_meets_is_named() -> None:
    """Reading all weights takes longer than a millisecond, whatever the policy."""
    base = load_scenario("azure-conversation")
    name = base.tenants[0].name
    strict = with_tenant(base, slo={"tpot_s": 0.001, "ttft_s": 0.001})
    texts = said(strict, name)
    assert [level for level, _ in texts] == ["warning", "warning"]
    fastest = simulate(strict).requests["tpot_s"].min()
    assert f"{name}'s SLO of 0.001 s a token is met by no answer" in texts[1][1]
    assert numbers(texts[1][1])[-1] >= float(f"{fastest:.3g}")
    assert said(with_tenant(base, slo={"tpot_s": 10.0, "ttft_s": 60.0}), name) == []


def test_goals_that_many_miss_are_counted() -> None:
    """A share that is not the run's own would send the user after the wrong tenant."""
    scenario = load_scenario("flash-crowd")
    requests = simulate(scenario).requests
    mine = requests[(requests["tenant"] == "premium") & (requests["status"] == "finished")]
    share = 100 * float((mine["ttft_s"] > scenario.tenants[0].slo.ttft_s).mean())
    ((level, text),) = said(scenario, "goals")
    assert level == "info"
    assert f"premium's 5 s to the first token by {share:.2g} %" in text


def test_long_prompts_stand_in_the_way_unless_chunked() -> None:
    """The sentence must turn when the setting it advises is made."""
    chunked = load_scenario("chunked-prefill")
    whole = changed(chunked, engine__max_num_batched_tokens=None)
    assert [level for level, _ in said(chunked, "prefill")] == ["ok"]
    assert [level for level, _ in said(whole, "prefill")] == ["info"]
    assert "stand still" in said(whole, "prefill")[0][1]


def test_outage_is_told_from_when_it_begins() -> None:
    """One of three replicas away: the queue grows from there, and shrinks when it is over."""
    scenario = load_scenario("replica-outage")
    ((level, text),) = said(scenario, "replica 0 down")
    assert level == "warning"
    assert text.startswith("replica 0 down: from 40 s: the queue grows from ")
    assert said(scenario, "replica 1 normal")[0][0] == "info"


def test_replicas_that_are_added_are_told_with_what_they_do() -> None:
    """The queue of the rush must be seen to go when the fourth replica is there."""
    first, *_ = said(load_scenario("autoscale"), "4 replicas")
    assert first[0] == "info"
    assert "shrinks" in first[1]


def test_only_the_first_requests_are_run() -> None:
    """A scenario of a million requests must not keep the page waiting; what is run is the same."""
    scenario = load_scenario("paper-continuous")
    whole, part = forecast(scenario), forecast(scenario, 800)
    assert [whole.share, part.share] == pytest.approx([1, 800 / 3000])
    assert len(part.requests) == 800
    assert part.requests.equals(whole.requests.iloc[:800])
    assert [label for _, label in part.marks] == ["learning"]
    crossing = forecast(scenario, 1800)
    assert crossing.marks == whole.marks
    loop = forecast(load_scenario("closed-loop"), 300)
    assert loop.share < 1


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("paper", 10_000),
        ("flash-crowd", 10_000),
        ("closed-loop", 10_000),
        ("replica-outage", 10_000),
        ("paper", 1200),
        ("flash-crowd", 1200),
        ("replica-outage", 1200),
    ],
)
def test_what_is_drawn_is_what_a_run_gives(name: str, most: int) -> None:
    """A preview of a part once drew how its queue drains, while in the run more come."""
    drawn_as_run(load_scenario(name), most)


@pytest.mark.parametrize(
    ("rules", "load", "most"),
    [
        ({}, 1.0, 10_000),
        ({}, 1.0, 900),
        ({}, 2.5, 10_000),
        ({"time_scale": 0.5}, 0.4, 900),
        ({"from_s": 60.0, "until_s": 180.0}, 1.0, 10_000),
        ({"from_s": 60.0, "limit": 1000}, 3.0, 400),
        ({"sample": 0.5}, 1.0, 10_000),
    ],
)
def test_what_is_drawn_of_a_trace_is_what_a_run_gives(
    tmp_path: Path, rules: dict[str, Any], load: float, most: int
) -> None:
    """Times, rejected rows, load and window: a preview of other requests answers nothing."""
    file = tmp_path / "trace.csv"
    rng = np.random.default_rng(1)
    count = 2000
    at_s, answers = np.cumsum(rng.exponential(0.15, count)), rng.integers(5, 200, count)
    prompts = rng.integers(10, 2600, count)
    rows = [
        f"{at:.6f},u{n % 3},{prompt},{answer if n % 500 else 'none'}\n"
        for n, (at, prompt, answer) in enumerate(zip(at_s, prompts, answers, strict=True))
    ]
    file.write_text("req_time,client,prompt_len,output_len\n" + "".join(rows))
    data = load_scenario("paper-continuous").model_dump(by_alias=True)
    trace = {"file": str(file), "on_error": "skip"} | rules
    edited = parse_scenario(data | {"phases": (), "drift": (), "trace": trace})
    report, scenario = import_trace(edited, file), with_load(edited, load)
    run = drawn_as_run(scenario, most).requests
    assert report.rows_read == count
    assert len(run) == report.rows_taken
    assert (run["status"] == "rejected").sum() == report.rows_too_long > 0
    assert float(run["arrival_s"].max()) == pytest.approx(report.span_s / load)
    seen = forecast(scenario, most)
    assert seen.share == min(most, report.rows_taken) / report.rows_taken
    if seen.share == 1:
        assert seen.requests["output_tokens"].sum() == generate(edited).output_tokens.sum()
        lost = [f.text for f in seen.findings if "the context holds 2048" in f.text]
        assert len(lost) == run.loc[run["status"] == "rejected", "tenant"].nunique()


def drawn_as_run(scenario: Scenario, most: int) -> RunResult:
    """Hold what a forecast draws against the run, and return that."""
    seen, run = forecast(scenario, most), simulate(scenario)
    requests = run.requests
    end_s = float(requests["finish_s"].max())
    if seen.share < 1:
        first = requests[requests["attempt"] == 1].sort_values("arrival_s")
        end_s = float(first["arrival_s"].iloc[most - 1])
        assert not [finding for finding in seen.findings if finding.about == "end"]
    assert seen.queues["time_s"].max() <= end_s
    times = np.linspace(0.0, end_s, 200)
    drawn, real = (sample_queues(one.queues, times) for one in (seen, run))
    pd.testing.assert_frame_equal(drawn, real)
    came = requests[requests["arrival_s"] <= end_s]
    width_s = float(np.diff(seen.arrivals["time_s"].unique())[0])
    counts = seen.arrivals.groupby("tenant")["rate_rps"].sum() * width_s
    assert counts.to_dict() == pytest.approx(came["tenant"].value_counts().to_dict())
    assert seen.marks == [mark for mark in run_marks(run) if mark[0] <= end_s]
    return run


def test_arrival_rates_count_every_request_once() -> None:
    """Rates times interval must add up to the requests; else the chart shows other traffic."""
    scenario = load_scenario("noisy-neighbour")
    requests = simulate(scenario).requests
    table = arrival_rates(requests, scenario.tenant_names, bins=40)
    width_s = float(requests["arrival_s"].max()) / 40
    counts = table.groupby("tenant")["rate_rps"].sum() * width_s
    assert counts.to_dict() == pytest.approx(requests["tenant"].value_counts().to_dict())
    times = table["time_s"].unique()
    assert np.diff(times) == pytest.approx(width_s)
    assert times[0] == pytest.approx(width_s / 2)
