"""A live run that has ended: how it went, in the same pictures as a simulated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftsched.studio.live.command import live_command
from driftsched.studio.live.follow import ended_in_words
from driftsched.studio.live.twin import twin_section
from driftsched.studio.run.downloads import downloads
from driftsched.studio.run.headline import headline
from driftsched.studio.run.trust import within
from driftsched.studio.run.watch import watch

if TYPE_CHECKING:
    import pandas as pd

    from driftsched.studio.live.runs import LiveJob

__all__ = ["ended"]

MOST_REASONS = 5


def ended(job: LiveJob) -> None:
    """Draw what became of a run: figures, the live view as a recording, downloads."""
    st.markdown(ended_in_words(job))
    if job.result is None:
        return
    _unfinished(job.result.requests)
    ends, said = within(job.result)
    headline(job.result, ends)
    st.caption(said)
    watch(job.result, job.run_id)
    twin_section(job)
    st.subheader("Take it with you", anchor="downloads")
    command = live_command(job.result.provenance["live"]["options"])
    downloads(job.result, command)
    st.caption("The same run on a command line, with the scenario from the ZIP:")
    st.code(command, language="bash", wrap_lines=True)


def _unfinished(requests: pd.DataFrame) -> None:
    """Say how many requests did not finish, and the most frequent reasons."""
    lost = requests[~requests["status"].isin(["finished", "rejected"])]
    if lost.empty:
        return
    ends = lost["status"].astype(str).str.replace("_", " ") + ": " + lost["reason"].astype(str)
    counts = ends.value_counts()
    said = [f"- {number} {end}" for end, number in counts.head(MOST_REASONS).items()]
    more = [f"- {counts.iloc[MOST_REASONS:].sum()} for other reasons"] * (
        len(counts) > MOST_REASONS
    )
    st.warning(
        "\n".join([f"{len(lost)} of {len(requests)} requests did not finish:", "", *said, *more]),
        icon=":material/warning:",
    )
