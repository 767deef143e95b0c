"""The simulated half of the Run page, in reading order."""

from __future__ import annotations

import shlex
from functools import partial

import streamlit as st

from driftsched.charts import energy as energy_chart
from driftsched.charts.labels import policy_label
from driftsched.results.energy import energy_over_time
from driftsched.results.marks import phase_marks, run_marks
from driftsched.results.tables import RunResult
from driftsched.scenario import Scenario
from driftsched.scenario.differences import differences
from driftsched.scheduling.policies import POLICIES
from driftsched.simulation import simulate
from driftsched.studio.fields import AT_HAND
from driftsched.studio.focus import focus
from driftsched.studio.hardware import measured
from driftsched.studio.link import preset
from driftsched.studio.live_view import live_view
from driftsched.studio.run.downloads import take_along
from driftsched.studio.run.headline import SEEDS, headline, how_sure, over_seeds
from driftsched.studio.run.life import one_life, take_request
from driftsched.studio.show import chart
from driftsched.studio.sidebar import foot
from driftsched.studio.state import Key, bound
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of, work_key
from driftsched.studio.words import plain


def simulated_page(view: View) -> None:
    """Run the scenario under its own policy, perhaps beside another, play it, offer its files."""
    scenario = view.effective
    own = scenario.policy.kind
    title, whose, beside = st.columns([3, 1, 1], vertical_alignment="center", gap="small")
    title.markdown(
        f"**{plain(scenario.title or scenario.name)}** under **{policy_label(own)}**, "
        f"seed {scenario.seed}{view.what_if}"
    )
    with whose:
        tenant = focus(scenario, label_visibility="collapsed")
    with beside:
        st.selectbox(
            "Beside",
            [name for name in POLICIES if name != own],
            **bound(Key.BESIDE),
            format_func=policy_label,
            placeholder="Beside another policy",
            label_visibility="collapsed",
        )
    result = result_of(simulate, (scenario,), slot="run")
    if result is not None:
        _side_by_side(view, result, tenant)
    foot()
    if result is None:
        return
    st.header("The whole run", anchor="figures")
    figures = st.container()
    intervals, what_they_are = over_seeds(result, tenant)
    with figures:
        headline(result, intervals, f"{SEEDS} replications: ", tenant)
    how_sure(what_they_are)
    one_life(result)
    _energy(result)
    take_along(
        result,
        command_line(scenario, view.preset),
        "The same run on a command line:",
        f"{AT_HAND}{scenario.policy.kind}",
    )


def _side_by_side(view: View, result: RunResult, tenant: str) -> None:
    """Play the run, and the same under the policy beside it at the same moments."""
    scenario, kind = view.effective, view.beside
    key = work_key(simulate, (scenario,))[:12]
    if kind in (None, scenario.policy.kind):
        watch(result, key, tenant=tenant, choosing=True)
        return
    tuned = {spec.kind: spec for spec in view.tuned}
    policy = tuned.get(kind) or POLICIES[kind](kind=kind)
    other = scenario.model_copy(update={"policy": policy})
    found = result_of(simulate, (other,), slot="run-beside")
    if found is None:
        return
    for column, one, run_id in zip(
        st.columns(2),
        (result, found),
        (key, work_key(simulate, (other,))[:12]),
        strict=True,
    ):
        with column:
            st.markdown(f"**{policy_label(one.scenario.policy.kind)}**")
            watch(one, run_id, f"beside-{run_id}", tenant=tenant)


def watch(
    result: RunResult, run_id: str, key: str = "live", *, tenant: str = "", choosing: bool = False
) -> None:
    """Draw the live view of a finished run; a page may have several, each with its key.

    `tenant` is the one in focus, "" all; with `choosing` a click on a bar of the latencies chooses
    a request.
    """
    scenario = result.scenario
    tables = {
        "requests": result.requests,
        "queues": result.queues,
        "gpus": result.gpus,
        "learning": result.learning,
    }
    title = f"{scenario.title or scenario.name}, {policy_label(scenario.policy.kind)}"
    click = {"on_request_change": partial(take_request, key)} if choosing else {}
    live_view(run_id, title, tables, marks=run_marks(result), key=key, tenant=tenant, **click)


def _energy(result: RunResult) -> None:
    """Draw energy over time, where it is known."""
    table = energy_over_time(result.gpus, result.requests)
    if table.empty:
        return
    st.header("Energy", anchor="energy")
    chart(energy_chart(table, phase_marks(result.requests)), table, "energy")
    measured(result.scenario)


def command_line(scenario: Scenario, name: str, command: str = "run") -> str:
    """Command that runs `scenario`, as changes to the preset `name` where that is possible.

    Otherwise it reads ``scenario.yaml``, which is in the run's ZIP.
    """
    changes = differences(preset(name), scenario)
    if changes is None:
        return f"python -m driftsched {command} scenario.yaml"
    words = ["python", "-m", "driftsched", command, name]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
