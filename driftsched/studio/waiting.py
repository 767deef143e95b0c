"""From a page to its job: ask, wait a blink, show progress, come back when it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import streamlit as st
from pydantic_core import to_json
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from driftsched.core.errors import InputError
from driftsched.results.wording import duration
from driftsched.studio.jobs import Job, JobPool, State
from driftsched.studio.show import problem
from driftsched.studio.turns import others_turn
from driftsched.studio.work import check_amount, engine_ready, seconds

FEW = 2
"""Replications while the compiled engine is not there yet."""
BLINK_S = 1.2
POLL_S = 0.4
KEPT_BYTES = 500_000_000
"""Room for results, in files that the server maps."""


@cache
def pool() -> JobPool:
    """The server's one pool.

    Not by `st.cache_resource`: what is there any visitor can clear, by a message of the browser's.
    """
    return JobPool(keep=KEPT_BYTES)


def work_key(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """Name of a piece of work: the same for the same function and equal arguments."""
    name = f"{function.__module__}.{function.__qualname__}"
    return hashlib.sha256(name.encode() + to_json(args)).hexdigest()


def busy(name: str) -> DeltaGenerator:
    """A place for words about work under way; the page will change by itself while it is there."""
    return st.container(key=f"busy-{name}")


def replications_now(wanted: int) -> int:
    """So many replications, or few while the compiled engine is not there yet, which is said."""
    if engine_ready():
        return wanted
    few = min(wanted, FEW)
    cast(Callable[..., None], st.fragment(_getting_ready, run_every=1.0))(few)
    return few


def _getting_ready(replications: int) -> None:
    if engine_ready():
        st.rerun()
    with busy("engine"):
        st.info(
            f"The fast engine is being prepared, which takes about a minute, once. Until then a "
            f"slower one computes {replications} replications, so that intervals are wide; then "
            "the page goes on by itself.",
            icon=":material/hourglass_top:",
        )


def result_of(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    slot: str,
    *,
    wait_s: float = BLINK_S,
    part: str = "",
) -> Any:
    """Return ``function(*args)`` as computed by the pool, or `None` while that is under way.

    Until it is done a progress bar stands here, after `wait_s` without one, with a button to stop;
    when it is done the page reruns by itself, or its fragment of the key `part` alone. A failure is
    one message. `slot` names the place on the page: other work asked for there gives up the former.
    """
    try:
        check_amount(args)
    except InputError as error:
        problem(error)
        return None
    owner = f"{session_name()}/{slot}"
    key = work_key(function, args)
    if st.session_state.get(_stopped(slot)) == key:
        st.info("Stopped before it was done.", icon=":material/stop_circle:")
        if st.button("Run it", key=f"{slot}-again", help="Start it again."):
            del st.session_state[_stopped(slot)]
            st.rerun()
        return None
    job = pool().submit(function, args, key, owner, cost=seconds(args))
    with others_turn():
        job.wait(wait_s)
    if job.state == State.DONE:
        return job.result
    if job.ended.is_set():
        _failed(job, slot)
        return None
    cast(Callable[..., None], st.fragment(_progress, run_every=POLL_S))(job, slot, owner, part)
    return None


def kept_result(key: str) -> Any:
    """What the work of this name gave, while there is room for it; else None.

    A session remembers names of results, not results: those of all visitors share one room.
    """
    job = pool().known(key)
    return job.result if job is not None and job.state == State.DONE else None


def _progress(job: Job, slot: str, owner: str, part: str) -> None:
    if job.ended.is_set():
        _rerun(part)
    left, right = busy(slot).columns([5, 1], vertical_alignment="center")
    left.progress(job.progress if job.state == State.RUNNING else 0.0, text=_how_far(job))
    if right.button("Stop", key=f"{slot}-stop", help="Give this computation up."):
        st.session_state[_stopped(slot)] = job.key
        pool().leave(owner)
        st.rerun()


def _rerun(part: str) -> None:
    """Run the page again, or one fragment, which `st.rerun` offers to callbacks of widgets only.

    The rest of the page stays as it is: drawn anew, its download buttons would be others.
    """
    context = get_script_run_ctx()
    if not part or context is None or context.script_requests is None:
        st.rerun()
    context.script_requests.request_rerun(
        RerunData(
            query_string=context.query_string,
            page_script_hash=context.page_script_hash,
            fragment_id_queue=context.fragment_storage.resolve_target(part),
            is_fragment_scoped_rerun=True,
            cached_message_hashes=context.cached_message_hashes,
            context_info=context.context_info,
        )
    )
    st.empty()  # the request is seen at the next element


def _how_far(job: Job) -> str:
    if job.state == State.QUEUED:
        return f"Waiting for a free worker: number {pool().position(job)} in the queue"
    eta = job.eta_s
    if eta is None:
        return "Computing…"
    return "Nearly done…" if eta < 1 else f"Computing… about {duration(eta)} to go"


def _failed(job: Job, slot: str) -> None:
    problem(job.error or "It was stopped")
    if st.button("Try again", key=f"{slot}-retry", help="Start it once more."):
        pool().forget(job)
        st.rerun()


def _stopped(slot: str) -> str:
    return f"stopped-{slot}"


def session_name() -> str:
    """Name of the visitor's session."""
    context = get_script_run_ctx()
    return context.session_id if context is not None else "alone"
