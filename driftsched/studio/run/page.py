"""The simulated half of the Run page, in reading order."""

from __future__ import annotations

import streamlit as st

from driftsched.studio import work
from driftsched.studio.run.command import command_line
from driftsched.studio.run.downloads import downloads
from driftsched.studio.run.headline import SHOWN, headline
from driftsched.studio.run.power import energy
from driftsched.studio.run.trust import over_seeds
from driftsched.studio.run.watch import watch
from driftsched.studio.state import View
from driftsched.studio.waiting import result_of, work_key
from driftsched.studio.words import policy_label

__all__ = ["simulated_page"]


def simulated_page(view: View) -> None:
    """Run the scenario under its own policy, play it, offer its files."""
    scenario = view.effective
    st.markdown(
        f"**{scenario.title or scenario.name}** under **{policy_label(scenario.policy.kind)}**, "
        f"seed {scenario.seed}. Choose another in the sidebar."
    )
    result = result_of(work.single_run, (scenario,), slot="run")
    if result is None:
        return
    figures = st.container()
    ends, said = over_seeds(result, SHOWN)
    with figures:
        headline(result, ends)
        st.caption(said)
    watch(result, work_key(work.single_run, (scenario,))[:12])
    energy(result)
    st.subheader("Take it with you", anchor="downloads")
    command = command_line(scenario, view.preset)
    downloads(result, command)
    st.caption("The same run on a command line:")
    st.code(command, language="bash", wrap_lines=True)
