"""A live run: followed while it grows, by any number of viewers, and what became of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pandas as pd
import streamlit as st

from driftsched.live import LiveOptions
from driftsched.live.snapshot import LiveSnapshot
from driftsched.results.marks import join_marks, phase_marks
from driftsched.results.wording import duration
from driftsched.studio.focus import focus
from driftsched.studio.jobs import State
from driftsched.studio.live.runs import LiveJob
from driftsched.studio.live.start import stop_button
from driftsched.studio.live.twin import twin_section
from driftsched.studio.live_view import live_view
from driftsched.studio.run.downloads import take_along
from driftsched.studio.run.headline import headline, how_sure, within
from driftsched.studio.run.page import watch
from driftsched.studio.words import plain

FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "busy": ("GPU busy", lambda x: f"{x:.0%}"),
    "power_w": ("Power", lambda x: f"{x:.0f} W"),
    "temperature_c": ("Temperature", lambda x: f"{x:.0f} °C"),
    "memory_used_mb": ("GPU memory", lambda x: f"{x / 1e3:.1f} GB"),
    "sm_clock_mhz": ("SM clock", lambda x: f"{x:.0f} MHz"),
    "kv_used_tokens": ("KV cache", lambda x: f"{x:,.0f} tokens"),
    "process_cpu": ("CPU of the run", lambda x: f"{x:.1f} cores"),
    "process_memory_mb": ("Its memory", lambda x: f"{x / 1e3:.2f} GB"),
}
"""Column of the gpus table → label and how it is written."""


def newest(gpus: pd.DataFrame) -> dict[str, float]:
    """Last known value of each figure over all GPUs; a figure that nothing gives is left out."""
    found = {}
    for column in FIGURES:
        values = gpus[column].dropna() if column in gpus else pd.Series(dtype=float)
        if len(values):
            found[column] = float(values.iloc[-1])
    return found


def measured_now(snapshot: LiveSnapshot) -> None:
    """Draw the figures; say so where no GPU gives any."""
    known = newest(snapshot.tables["gpus"])
    words = [f"{FIGURES[name][0]} **{FIGURES[name][1](value)}**" for name, value in known.items()]
    if not {"power_w", "temperature_c", "memory_used_mb"} & set(known):
        words.append("no NVIDIA GPU or driver found here, so no GPU figures")
    st.caption(" · ".join(words))


POLL_S = 0.5
VIEW = "live-following"
STATES = {
    State.RUNNING: (":material/radio_button_checked:", "green"),
    State.DONE: (":material/check_circle:", "green"),
    State.CANCELLED: (":material/stop_circle:", "orange"),
    State.FAILED: (":material/error:", "red"),
}


def follow(job: LiveJob) -> None:
    """Draw a run under way, until it has ended; then the page runs again and shows its result."""
    draw = st.fragment(_follow, run_every=POLL_S)
    cast(Callable[..., None], draw)(job)


def _follow(job: LiveJob) -> None:
    if job.ended.is_set():
        st.rerun()
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(_title(job))
    with right:
        stop_button(job)
    snapshot: LiveSnapshot | None = job.snapshot
    if snapshot is None or snapshot.state == "opening":
        st.progress(0.0, text="Opening the engine…")
        return
    st.progress(
        min(1.0, job.progress),
        text=f"{sum(snapshot.ended.values()):,} of {snapshot.requests:,} requests ended, "
        f"{snapshot.running} running, {snapshot.waiting} waiting",
    )
    measured_now(snapshot)
    _view(job, snapshot)


def _title(job: LiveJob) -> str:
    icon, colour = STATES[job.state]
    return f":{colour}[{icon}] **{plain(job.title)}** on {plain(', '.join(job.engines))}"


def _view(job: LiveJob, snapshot: LiveSnapshot) -> None:
    requests = snapshot.tables["requests"]
    live_view(
        job.key,
        job.title,
        snapshot.tables,
        marks=join_marks(phase_marks(requests), snapshot.drift_marks),
        now_s=snapshot.now_s,
        done=False,
        key=VIEW,
    )


def ended_in_words(job: LiveJob) -> str:
    """How a run ended, in a sentence."""
    icon, colour = STATES[job.state]
    if job.state is State.FAILED:
        return f":{colour}[{icon}] **{plain(job.title)}** could not run: {plain(job.error)}"
    word = "was stopped" if job.state is State.CANCELLED else "has ended"
    wall = "" if job.result is None else f" after {duration(job.result.provenance['wall_s'])}"
    kept = f" It is in the library as `{job.saved}`." if job.saved else f" {plain(job.error)}"
    return f":{colour}[{icon}] **{plain(job.title)}** {word}{wall}.{kept}"


MOST_REASONS = 5


def ended(job: LiveJob) -> None:
    """Draw what became of a run: figures, the live view as a recording, downloads."""
    st.markdown(ended_in_words(job))
    if job.result is None:
        return
    _unfinished(job.result.requests)
    tenant = focus(job.result.scenario, width=260)
    intervals, what_they_are = within(job.result, tenant)
    headline(job.result, intervals, tenant=tenant)
    how_sure(what_they_are)
    watch(job.result, job.key, tenant=tenant)
    twin_section(job)
    command = live_command(job.result.provenance["live"]["options"])
    caption = "The same run on a command line, with the scenario from the ZIP:"
    take_along(job.result, command, caption, job.saved)


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
