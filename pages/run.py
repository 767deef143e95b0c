"""Run: one run under one policy, watched as it goes."""

import streamlit as st

from driftsched.studio import work
from driftsched.studio.page import page_setup
from driftsched.studio.run import command_line, downloads, energy, headline, watch
from driftsched.studio.waiting import result_of, work_key
from driftsched.studio.words import policy_label

view = page_setup(
    "Run", "What happens, second by second, when this scenario runs under one policy?"
)
scenario = view.effective
st.markdown(
    f"**{scenario.title or scenario.name}** under **{policy_label(scenario.policy.kind)}**, "
    f"seed {scenario.seed}. Choose another in the sidebar."
)
result = result_of(work.single_run, (scenario,), slot="run")
if result is None:
    st.stop()
headline(result)
watch(result, work_key(work.single_run, (scenario,))[:12])
energy(result)
st.subheader("Take it with you", anchor="downloads")
command = command_line(scenario, view.preset)
downloads(result, command)
st.caption("The same run on a command line:")
st.code(command, language="bash", wrap_lines=True)
