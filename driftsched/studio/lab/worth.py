"""What better estimates would change for the scenario at hand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from driftsched.charts import worth as worth_chart
from driftsched.core.errors import InputError
from driftsched.scheduling.policies import POLICIES
from driftsched.studio import work
from driftsched.studio.explore.headline import plain_but_bold
from driftsched.studio.show import chart, problem
from driftsched.studio.state import Key, choice
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of
from driftsched.studio.words import plain


def better(view: View) -> None:
    """Draw what perfect and noisy estimates would change, against the scenario's own."""
    from driftsched.experiments.worth import MEASURES, estimators, pays

    st.header("What an estimate is worth", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        choice(
            "Policy",
            Key.LAB_POLICY,
            "Who goes next. Only policies that look at estimates can gain by better ones.",
            width=180,
        )
        choice("Measure", Key.LAB_MEASURE, "End to end, over all requests.", width=180)
    try:
        asked = estimators(view.effective, compensators=view.lab_with)
    except InputError as error:
        problem(error)
        return
    args = (view.replications, view.lab_policy, tuple(asked), *asked.values())
    table: pd.DataFrame | None = result_of(work.worth, args, slot="worth")
    if table is None:
        return
    mine = table[table["measure"] == view.lab_measure]
    chart(worth_chart(mine, MEASURES[view.lab_measure]), mine, "worth")
    st.markdown(plain_but_bold(pays(table, view.lab_policy, view.lab_measure)))
    st.caption(
        f"{plain(view.scenario.title or view.scenario.name)}, {POLICIES[view.lab_policy].label}, "
        f"{view.replications} replications of the same requests; each interval for itself."
    )
