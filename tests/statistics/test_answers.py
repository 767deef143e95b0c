"""The sentence on top of Explore, worked out again from the tables that anybody can export."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew, t

from driftsched.experiments import Figures, run_ensemble
from driftsched.experiments.answer import payers, recovered
from driftsched.experiments.recovery import recovery
from driftsched.results import PairedChange, csv_text
from driftsched.results.statistics import latency_verdict
from driftsched.results.wording import duration
from driftsched.scenario import Scenario, changed, load_scenario, preset_names
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from driftsched.studio.explore.headline import asked, base_policy
from driftsched.studio.view import View, read_link

SEEDS = (1, 11, 42)
REPLICATIONS = 3
NOT_COMPARED = {"closed-loop", "replica-outage"}
"""Their requests depend on how they are served; Explore says so."""
COLUMNS = [
    *("request_id", "tenant", "status", "arrival_s", "ttft_s", "tpot_s", "e2e_s"),
    *("queue_wait_s", "counted_output_tokens", "estimated_output_tokens"),
]
PRESETS = [name for name in preset_names() if name not in NOT_COMPARED]
CASES = [
    (name, seed)
    for name in PRESETS
    if not (preset := load_scenario(name)).about.recovery
    for seed in (SEEDS[:1] if preset.events else SEEDS)  # what SimPy alone has takes ten times
]


def view_of(name: str, seed: int) -> View:
    link = {"preset": name, "set": f"seed={seed}", "policies": "fifo,weighted,sjf"}
    view = read_link({key: [text] for key, text in link.items()})
    assert view.problems == ()
    return view.changed(replications=REPLICATIONS)


def figures(view: View) -> Figures:
    return Figures(run_ensemble(view.variants, REPLICATIONS), who=view.who)


def exported(scenario: Scenario) -> list[pd.DataFrame]:
    """What is needed of the requests.csv of each replication."""
    runs = [changed(scenario, seed=scenario.seed + n) for n in range(REPLICATIONS)]
    texts = [csv_text(simulate(run).requests[COLUMNS]) for run in runs]
    return [pd.read_csv(io.StringIO(text)) for text in texts]


def values(tables: list[pd.DataFrame], who: tuple[str, ...], column: str) -> list[np.ndarray]:
    found = []
    for table in tables:
        done = table[table["status"] == "finished"]
        mine = done[done["tenant"].isin(who)] if who else done
        found.append(mine[column].dropna().to_numpy())
    return found


def change(ends: list[list[np.ndarray]], level: float) -> PairedChange:
    """Jackknife of the logarithm of the ratio, one replication left out at a time.

    Student's t has half the degrees of freedom, and the interval is wider by half the skewness.
    """
    before, after = ends

    def log_ratio(kept: list[int]) -> float:
        pools = [np.concatenate([part[n] for n in kept]) for part in (after, before)]
        return float(
            np.log(np.quantile(pools[0], level / 100) / np.quantile(pools[1], level / 100))
        )

    n = len(before)
    whole = log_ratio([*range(n)])
    pseudo = [n * whole - (n - 1) * log_ratio([k for k in range(n) if k != m]) for m in range(n)]
    half = t.ppf(0.975, max((n - 1) / 2, 1)) * np.std(pseudo, ddof=1) / np.sqrt(n)
    half *= 1 + abs(skew(pseudo)) / 2
    low, high = np.expm1([whole - half, whole + half])
    return PairedChange(float(np.expm1(whole)), float(low), float(high), n)


def quantile(parts: list[np.ndarray], level: float) -> float:
    return float(np.quantile(np.concatenate(parts), level / 100))


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_the_sentence_follows_from_exported_tables(name: str, seed: int) -> None:
    """A sentence on top is believed; nothing in it may be otherwise than the numbers say."""
    view = view_of(name, seed)
    about, before = view.scenario.about, view.before
    assert (before is None) == (not about.against), "an alternative that cannot be made"
    said = asked(view, figures(view), None if before is None else figures(before)).text
    assert "\n" not in said
    metric, level, who = view.metric, view.level, view.who
    best = base_policy(view)
    if before is None:
        tables = {kind: exported(scenario) for kind, scenario in view.variants.items()}
        pooled = {k: quantile(values(tables[k], who, metric), level) for k in tables}
        best = min(("weighted", "sjf"), key=lambda kind: pooled[kind])
        both = tables["fifo"], tables[best]
    else:
        both = exported(before.variants[best]), exported(view.variants[best])
    ends = [values(part, who, metric) for part in both]
    whole = change(ends, level)
    assert POLICIES[best].label in said
    assert duration(quantile(ends[0], level)).split()[0] in said
    if whole.significant:
        assert latency_verdict(whole) in said
        sides = {True: "faster", False: "slower"}
        assert whole.low > 9 or sides[whole.mean < 0] in said
    else:
        assert "No policy** is told" in said or "no difference** can be told" in said
        ends_said = [f"{100 * end:+.0f} %".replace("-", "−") for end in (whole.low, whole.high)]
        if {*ends_said} <= {"−0 %", "+0 %"}:
            ends_said = ["the same"]
        elif whole.high > 10:
            ends_said[1] = "over +1,000 %"
        assert all(end in said for end in ends_said)
    if whole.mean > 0 or not whole.significant:
        assert "pay" not in said
        return
    assert duration(quantile(ends[1], level)) in said
    price = about.price or metric
    slower = {}
    for tenant in set(view.scenario.tenant_names) - set(who):
        paid = [values(part, (tenant,), price) for part in both]
        if (one := change(paid, level)).low > 0:
            slower[tenant] = (one, paid)
    if before is not None and not who:
        assert "pay" not in said
    elif not slower:
        assert "No tenant is told to pay" in said or len(view.scenario.tenants) == 1
    else:
        most = max(slower, key=lambda tenant: slower[tenant][0].mean)
        one, paid = slower[most]
        assert f"{most[:1].upper()}{most[1:]} pays" in said
        assert f"{duration(quantile(paid[1], level))}, {latency_verdict(one)}" in said


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["busy-gpu", "noisy-neighbour", "flash-crowd"])
def test_who_pays_and_who_gains_follow_from_exported_tables(name: str, seed: int) -> None:
    view = view_of(name, seed)
    metric, level = view.metric, view.level
    said = payers(figures(view).percentiles(metric, [level], "tenant"))
    pay, _, gain = said.partition(" Who gains most: ")
    assert pay.startswith("Who pays, against FIFO: ")
    tables = {kind: exported(scenario) for kind, scenario in view.variants.items()}
    for kind in ("weighted", "sjf"):
        changes = {}
        for tenant in view.scenario.tenant_names:
            ends = [values(tables[one], (tenant,), metric) for one in ("fifo", kind)]
            changes[tenant] = change(ends, level)
        found = sorted(changes.items(), key=lambda pair: -pair[1].mean)
        slower = [f"{who} {latency_verdict(one)}" for who, one in found if one.low > 0]
        faster = [f"{who} {latency_verdict(one)}" for who, one in found[::-1] if one.high < 0]
        assert f"**{POLICIES[kind].label}** {', '.join(slower) or 'nobody'}" in pay
        assert f"**{POLICIES[kind].label}** {(*faster, 'nobody')[0]}" in gain


@pytest.mark.parametrize("seed", SEEDS)
def test_recovery_follows_from_exported_tables(seed: int) -> None:
    """Requests are counted one by one, until the last fifty are estimated as those before."""
    view = view_of("new-model", seed)
    policy = base_policy(view)
    (event,) = view.scenario.drift
    parts = []
    for requests in exported(view.variants[policy]):
        table = requests.sort_values(["arrival_s", "request_id"])
        onset = table["arrival_s"].iloc[0] + event.at_s
        late = (table["arrival_s"] >= onset).to_numpy()
        parts.append((table[~late].tail(200), table[late]))
    names = ["counted_output_tokens", "estimated_output_tokens"]
    usual = np.divide(*sum(early[names].sum().to_numpy() for early, _ in parts))
    shortest = min(len(late) for _, late in parts)
    left, found = False, np.inf
    for count in range(50, shortest + 1):
        window = sum(late.iloc[count - 50 : count][names].sum().to_numpy() for _, late in parts)
        near = abs(np.divide(*window) / usual - 1) <= 0.1
        left = left or not near
        if left and near:
            found = count
            break
    ours = recovery(figures(view).ensemble, policy)
    assert ours is not None
    assert ours.requests == found
    assert ours.low <= found <= ours.high
    assert f"after {found:.0f} requests" in recovered(ours)
    assert asked(view, figures(view), None).text == recovered(ours)


def test_every_question_names_what_it_is_about() -> None:
    """Else Explore answers another one."""
    for name in preset_names():
        about = load_scenario(name).about
        assert about.model_fields_set, name
        assert bool(about.against) == bool(about.alternative), name
