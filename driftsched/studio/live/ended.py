"""A live run that has ended: how it went, in the same pictures as a simulated one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.live import LiveOptions
from driftsched.studio.live.follow import ended_in_words
from driftsched.studio.live.runs import LiveJob
from driftsched.studio.live.twin import twin_section
from driftsched.studio.run.downloads import take_along
from driftsched.studio.run.headline import headline, how_sure, within
from driftsched.studio.run.page import watch
from driftsched.studio.words import plain

MOST_REASONS = 5


def ended(job: LiveJob) -> None:
    """Draw what became of a run: figures, the live view as a recording, downloads."""
    st.markdown(ended_in_words(job))
    if job.result is None:
        return
    _unfinished(job.result.requests)
    intervals, what_they_are = within(job.result)
    headline(job.result, intervals)
    how_sure(what_they_are)
    watch(job.result, job.key)
    twin_section(job)
    command = live_command(job.result.provenance["live"]["options"])
    caption = "The same run on a command line, with the scenario from the ZIP:"
    take_along(job.result, command, caption)


def _unfinished(requests: pd.DataFrame) -> None:
    """Say how many requests did not finish, and the most frequent reasons."""
    lost = requests[~requests["status"].isin(["finished", "rejected"])]
    if lost.empty:
        return
    ends = lost["status"].astype(str).str.replace("_", " ") + ": " + lost["reason"].astype(str)
    counts = ends.value_counts()
    listed = [f"- {number} {plain(end)}" for end, number in counts.head(MOST_REASONS).items()]
    more = [f"- {counts.iloc[MOST_REASONS:].sum()} for other reasons"] * (
        len(counts) > MOST_REASONS
    )
    st.warning(
        "\n".join([f"{len(lost)} of {len(requests)} requests did not finish:", "", *listed, *more]),
        icon=":material/warning:",
    )


def live_command(options: Mapping[str, Any]) -> str:
    """Command that runs ``scenario.yaml``, as in the run's ZIP, with its provenance's options."""
    given = LiveOptions.model_validate(options).model_dump(mode="json", exclude_defaults=True)
    words = ["python", "-m", "driftsched", "live", "scenario.yaml"]
    words += ["--engine", str(options["engine"]["kind"])]
    for key, value in _flat(given):
        if key == "engine.endpoints":
            words += [word for address in value for word in ("--endpoint", address)]
        elif key == "engine.model":
            words += ["--model", value]
        elif key != "engine.kind":
            words += ["--option", f"{key}={json.dumps(value)}"]
    return shlex.join(words)


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value
