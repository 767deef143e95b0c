"""The parts of the Capacity page: the goal, how much load bears it, how many GPUs it needs."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd
import streamlit as st

from driftsched.charts import capacity as capacity_chart
from driftsched.charts import gpus_needed
from driftsched.charts.labels import policy_label
from driftsched.experiments.capacity import Capacity
from driftsched.experiments.fleet import Fleet, prices_of
from driftsched.experiments.goal import SHARES, Goal
from driftsched.experiments.load import offered_load
from driftsched.scheduling.policies import POLICIES
from driftsched.serving.catalogue import GPUS
from driftsched.studio import work
from driftsched.studio.explore.headline import plain_but_bold
from driftsched.studio.focus import focus
from driftsched.studio.run.page import command_line
from driftsched.studio.show import chart
from driftsched.studio.state import Key, bound, change_view, choice, segments
from driftsched.studio.view import View
from driftsched.studio.waiting import replications_now, result_of

SEEDS = 16
"""Replications at most: the search takes fewer where fewer tell."""


def controls(view: View) -> str:
    """Draw what is asked for, and return whose goal it is; "" is everybody's."""
    choice("Asked", Key.SIZING, "The same goal, looked at from two sides.", segments)
    choice("Goal", Key.GOAL, "What must hold, over all requests of a run.")
    if view.goal in SHARES:
        st.slider(
            "At least",
            0.5,
            0.999,
            step=0.001,
            format="percent",
            **bound(Key.GOAL_SHARE, min(max(view.goal_share, 0.5), 0.999)),
            help="The share of the requests that must keep their SLOs.",
        )
    else:
        st.number_input(
            "At most (s)",
            min_value=0.001,
            max_value=1e6,
            **bound(Key.GOAL_S),
            help="Seconds. It counts requests that finish.",
        )
    about = view.scenario.about
    tenant = focus(view.scenario, about if len(about.tenants) == 1 else None)
    if view.sizing == "load":
        st.pills(
            "Policies",
            list(POLICIES),
            **bound(Key.POLICIES, list(view.policies)),
            selection_mode="multi",
            wrap=True,
            format_func=policy_label,
            help="Each serves the same requests, faster or slower.",
        )
    else:
        _gpus(view)
    return tenant


def _gpus(view: View) -> None:
    prices = prices_of(view.gpus)
    st.session_state[Key.GPUS] = list(prices)
    st.pills(
        "GPUs",
        list(GPUS),
        key=Key.GPUS,
        selection_mode="multi",
        wrap=True,
        on_change=_take_gpus,
        args=(prices,),
        help="Each is counted for today's traffic, under the scenario's own policy.",
    )
    for gpu, price in prices.items():
        key = f"price-{gpu}"
        st.session_state[key] = price
        st.number_input(
            f"An hour of {gpu}",
            min_value=0.0,
            placeholder="price not known",
            key=key,
            on_change=_take_gpus,
            args=(prices,),
        )


def _take_gpus(before: dict[str, float | None]) -> None:
    chosen = st.session_state[Key.GPUS] or list(before)[:1]  # one at least
    prices = {gpu: st.session_state.get(f"price-{gpu}") for gpu in GPUS if gpu in chosen}
    change_view(gpus=",".join(gpu if p is None else f"{gpu}={p:g}" for gpu, p in prices.items()))


def answer(view: View, tenant: str) -> None:
    """Say and draw what was found; until then a progress bar stands here."""
    bound_at = view.goal_share if view.goal in SHARES else 1e3 * view.goal_s
    goal = (view.goal, bound_at, tenant)
    seeds = replications_now(SEEDS)
    if view.sizing == "load":
        found = result_of(work.capacities, (view.variants, seeds, goal), slot="capacity")
        if found is not None:
            _load(found, view, goal)
    else:
        fleets = result_of(work.fleets, (view.effective, seeds, goal, view.gpus), slot="capacity")
        if fleets is not None:
            _fleets(fleets, view, goal)


def _load(found: dict[str, Capacity], view: View, goal: tuple[str, float, str]) -> None:
    peak = offered_load(view.effective).peak
    st.markdown(plain_but_bold(f"{_says(found)}."))
    table = pd.DataFrame(
        [
            (policy, one.value, one.low, one.high, one.value * peak.rate_rps, one.seeds)
            for policy, one in found.items()
        ],
        columns=["policy", "value", "low", "high", "rate_rps", "seeds"],
    )
    known = table[[one.known for one in found.values()]]
    chart(capacity_chart(known), table, "capacity")
    st.caption(
        f"Goal: {Goal(*goal)}. Today's busiest phase: {peak.rate_rps:.3g} requests a second; the "
        f"hardware is saturated at {1 / peak.rho:.3g} times that."
    )
    _command(view, goal, f"--policies {','.join(view.policies)}")


def _says(found: dict[str, Capacity]) -> str:
    """Which policy bears most, and which least."""
    ranked = sorted(found, key=lambda policy: -found[policy].value)
    most, least = found[ranked[0]].value, found[ranked[-1]].value
    if most == least and not found[ranked[0]].known:
        return f"**The goal {'holds' if most else 'fails'} at all loads that were tried**"
    said = f"**{_bears(ranked[0], found)}**"
    return said if len(ranked) == 1 else f"{said}; {_bears(ranked[-1], found)}"


def _bears(policy: str, found: dict[str, Capacity]) -> str:
    one, label = found[policy], policy_label(policy)
    if one.known:
        return f"{label} bears {one} times today's load"
    return f"{label}: the goal {'holds' if one.value else 'fails'} at all loads that were tried"


def _fleets(fleets: list[Fleet], view: View, goal: tuple[str, float, str]) -> None:
    enough = [fleet for fleet in fleets if fleet.replicas is not None]
    priced = [fleet for fleet in enough if fleet.price_per_hour is not None]
    if len(priced) > 1:
        best = min(priced, key=lambda fleet: fleet.price_per_hour or 0)
        st.markdown(plain_but_bold(f"**{best.gpu} is cheapest**: {best}"))
    elif enough:
        best = min(enough, key=lambda fleet: fleet.gpus)
        st.markdown(plain_but_bold(f"**{best.gpu} needs fewest**: {best}"))
    rows = [
        (fleet.gpu, fleet.gpus, (fleet.least - 1) * fleet.gpus // (fleet.replicas or 1))
        for fleet in enough
    ]
    table = pd.DataFrame(rows, columns=["gpu", "gpus", "too_few"])
    chart(gpus_needed(table), pd.DataFrame([_row(fleet) for fleet in fleets]), "gpus-needed")
    st.dataframe(pd.DataFrame([_words(fleet) for fleet in fleets]), hide_index=True)
    st.caption(f"Goal: {Goal(*goal)}. {SEEDS} replications of today's traffic.")
    _command(view, goal, f"--gpus {view.gpus}")


def _words(fleet: Fleet) -> dict[str, str]:
    """A kind of GPU as a row for people."""
    price, growth, longer = fleet.price_per_hour, fleet.growth, fleet.longer
    return {
        "GPU": fleet.gpu,
        "GPUs": str(fleet.gpus or "–"),
        "An hour": "–" if price is None else f"{price:.4g}",
        "Load may become (times)": "–" if growth is None else str(growth),
        "Answers may become (times)": "–" if longer is None else str(longer),
        "Why not": fleet.reason,
    }


def _command(view: View, goal: tuple[str, float, str], more: str) -> None:
    metric, bound_at, tenant = goal
    sign = ">=" if metric in SHARES else "<="
    words = [command_line(view.effective, view.preset, "capacity")]
    words += ["--goal", shlex.quote(f"{metric}{sign}{bound_at:.10g}")]
    words += ["--tenant", shlex.quote(tenant)] if tenant else []
    with st.expander("On a command line", icon=":material/terminal:"):
        st.code(" ".join([*words, more, f"--seeds {SEEDS}"]), language="bash", wrap_lines=True)


def _row(fleet: Fleet) -> dict[str, Any]:
    kept = {name: value for name, value in vars(fleet).items() if name not in ("growth", "longer")}
    for name in ("growth", "longer"):
        one: Capacity | None = getattr(fleet, name)
        if one is not None:
            kept |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return kept
