"""From the view to the ensemble that answers it, at once where the compiled engine covers it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from driftsched.core.errors import InputError
from driftsched.studio import work
from driftsched.studio.answers import answers
from driftsched.studio.state import View
from driftsched.studio.waiting import busy, result_of, work_key
from driftsched.studio.whatif import variants

if TYPE_CHECKING:
    from driftsched.experiments import Ensemble
    from driftsched.scenario import Scenario

__all__ = ["AT_ONCE", "FEW", "at_once", "ensemble_for", "ready", "start"]

FEW = 2
"""Replications while the compiled engine is not there yet."""
AT_ONCE = 2_000_000
"""Up to so many requests in all are simulated in the server's own threads."""
_LAST = "explore-last"
_loading = threading.Lock()


def ready() -> bool:
    """Whether the compiled engine can run now; loads it where it has been compiled before."""
    from driftsched.simulation.compiled import at_hand, warm_up

    if not at_hand():
        return False
    with _loading:
        warm_up()
    return True


def ensemble_for(view: View) -> Ensemble | None:
    """Give the view's ensemble; while it is under way, the former one; None without any.

    What cannot be run is one message.
    """
    fast = ready()
    replications = view.replications if fast else min(view.replications, FEW)
    if not fast:
        cast(Callable[..., None], st.fragment(_getting_ready, run_every=1.0))(replications)
    try:
        found = _found(variants(view.effective, view.policies, view.tuned), replications, fast)
    except InputError as error:
        st.error(
            f"This could not be computed: {error}. Run shows how one policy serves it.",
            icon=":material/error:",
        )
        return None
    if found is None and (former := st.session_state.get(_LAST)) is not None:
        st.caption(":material/history: Below is the picture from before the last change.")
        return cast("Ensemble", former)
    if found is not None:
        st.session_state[_LAST] = found
    return found


def _found(scenarios: dict[str, Scenario], replications: int, fast: bool) -> Ensemble | None:
    from driftsched.experiments.ensemble import same_requests

    same_requests(next(iter(scenarios.values())))
    if fast and at_once(scenarios, replications):
        future = start(scenarios, replications)
        return cast("Ensemble", future.result())
    args = (replications, tuple(scenarios), *scenarios.values())
    return cast("Ensemble | None", result_of(work.ensemble, args, slot="explore"))


def at_once(scenarios: dict[str, Scenario], runs: int) -> bool:
    """Whether the compiled engine does `runs` runs of each scenario in about a blink.

    Raises
    ------
    InputError
        Where the traffic cannot be generated.
    """
    from driftsched.experiments.ensemble import engine_for
    from driftsched.experiments.traffic import traffic_cache

    first = next(iter(scenarios.values()))
    if sum(phase.expected_requests for phase in first.phases) * runs > AT_ONCE:
        return False
    traffic = traffic_cache().get(first, (first.seed,))[0]
    if len(traffic.workload) * len(scenarios) * runs > AT_ONCE:
        return False
    return all(engine_for(one, traffic)[0] == "compiled" for one in scenarios.values())


def start(scenarios: dict[str, Scenario], replications: int) -> Future[Any]:
    """Ask the server's threads for an ensemble."""
    from driftsched.experiments import run_ensemble

    key = work_key(run_ensemble, (replications, tuple(scenarios), *scenarios.values()))
    first = next(iter(scenarios.values()))
    requests = sum(phase.expected_requests for phase in first.phases) or 10_000
    weight = int(requests) * len(scenarios) * replications
    return answers().ask(key, lambda _: run_ensemble(scenarios, replications), weight)


def _getting_ready(replications: int) -> None:
    if ready():
        st.rerun()
    with busy("engine"):
        st.info(
            f"The fast engine is being prepared, which takes about a minute, once. Until then a "
            f"slower one computes {replications} replications, so that intervals are wide; then "
            "the page goes on by itself.",
            icon=":material/hourglass_top:",
        )
