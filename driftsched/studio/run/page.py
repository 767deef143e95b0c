"""The simulated half of the Run page, in reading order."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import streamlit as st

from driftsched.charts import energy as energy_chart
from driftsched.results.energy import energy_over_time
from driftsched.results.marks import phase_marks, run_marks
from driftsched.scenario import Scenario
from driftsched.scenario.differences import differences
from driftsched.studio import work
from driftsched.studio.link import preset
from driftsched.studio.live_view import live_view
from driftsched.studio.run.downloads import take_along
from driftsched.studio.run.headline import SHOWN, headline, over_seeds
from driftsched.studio.show import chart
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of, work_key
from driftsched.studio.words import plain, policy_label

if TYPE_CHECKING:
    from driftsched.results.tables import RunResult

__all__ = ["command_line", "simulated_page", "watch"]


def simulated_page(view: View) -> None:
    """Run the scenario under its own policy, play it, offer its files."""
    scenario = view.effective
    st.markdown(
        f"**{plain(scenario.title or scenario.name)}** under "
        f"**{policy_label(scenario.policy.kind)}**, seed {scenario.seed}. Choose another in the "
        "sidebar."
    )
    result = result_of(work.single_run, (scenario,), slot="run")
    if result is None:
        return
    figures = st.container()
    intervals, what_they_are = over_seeds(result, SHOWN)
    with figures:
        headline(result, intervals)
        st.caption(what_they_are)
    watch(result, work_key(work.single_run, (scenario,))[:12])
    _energy(result)
    take_along(result, command_line(scenario, view.preset), "The same run on a command line:")


def watch(result: RunResult, run_id: str) -> None:
    """Draw the live view of a finished simulated run."""
    scenario = result.scenario
    tables = {
        "requests": result.requests,
        "queues": result.queues,
        "gpus": result.gpus,
        "learning": result.learning,
    }
    title = f"{scenario.title or scenario.name}, {policy_label(scenario.policy.kind)}"
    live_view(run_id, title, tables, marks=run_marks(result), key="live")


def _energy(result: RunResult) -> None:
    """Draw energy over time, where it is known."""
    table = energy_over_time(result.gpus, result.requests)
    if table.empty:
        return
    st.subheader("Energy", anchor="energy")
    chart(energy_chart(table, phase_marks(result.requests)), table, "energy")


def command_line(scenario: Scenario, name: str) -> str:
    """Command that runs `scenario`, as changes to the preset `name` where that is possible.

    Otherwise it reads ``scenario.yaml``, which is in the run's ZIP.
    """
    changes = differences(preset(name), scenario)
    if changes is None:
        return "python -m driftsched run scenario.yaml"
    words = ["python", "-m", "driftsched", "run", name]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
