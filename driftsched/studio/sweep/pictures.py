"""A sweep's pictures, its points, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from driftsched.charts import (
    sweep_front,
    sweep_heat,
    sweep_importance,
    sweep_lines,
    sweep_parallel,
)
from driftsched.charts.labels import policy_label
from driftsched.core.errors import InputError
from driftsched.experiments.sweeps import (
    Parameter,
    Sweep,
    cells,
    figure_of,
    importance,
    pareto,
    scenario_at,
)
from driftsched.results.wording import counted
from driftsched.studio import work
from driftsched.studio.run.page import command_line
from driftsched.studio.show import chart, problem
from driftsched.studio.state import Key, bound, segments, set_view
from driftsched.studio.view import View, labels
from driftsched.studio.waiting import result_of
from driftsched.studio.words import plain

MOST_POINTS = 1000
"""What a page sweeps at most; the command line has no such limit."""
TWO = "A heat map needs two parameters: add one below."


class Swept(NamedTuple):
    """What was asked, and the table of its points."""

    sweep: Sweep
    table: pd.DataFrame

    @property
    def axes(self) -> list[Parameter]:
        """The parameters, the policies' last."""
        return sorted(self.sweep.parameters, key=lambda one: one.name == "policy")

    def scaled(self, name: str) -> pd.Series[float]:
        """A figure as people read it."""
        return self.table[name] * figure_of(name).times

    def cells(self, parameters: list[Parameter], name: str) -> pd.DataFrame:
        """The table's `cells`, as people read the figure."""
        found = cells(self.table, parameters, name)
        ends = ["value", "low", "high"]
        return found.assign(**found[ends] * figure_of(name).times)


def swept(view: View) -> Swept | None:
    """Run what the view asks for, and draw it."""
    segments(
        "Picture",
        list(names := labels(Key.SWEEP_CHART)),
        **bound(Key.SWEEP_CHART),
        format_func=names.__getitem__,
        label_visibility="collapsed",
    )
    found = _run(view)
    if found is not None:
        figure = DRAWN[view.sweep_chart](view, found)
        if figure is None:
            st.info(TWO, icon=":material/grid_on:")
        else:
            chart(figure, found.table, "sweep")
    return found


def _run(view: View) -> Swept | None:
    try:
        sweep = Sweep(
            scenario=view.effective,
            over=view.sweep_over,
            sample=view.sweep_sample,
            seeds=view.sweep_seeds,
        )
        if sweep.size > MOST_POINTS:
            raise InputError(
                f"A page's sweep must have at most {MOST_POINTS} points, got {sweep.size:,}; the "
                "command line has no such limit"
            )
    except InputError as error:
        problem(error)
        return None
    args = (sweep.scenario, sweep.seeds, sweep.size, sweep.over, sweep.sample)
    table = result_of(work.sweep, args, slot="sweep")
    return None if table is None else Swept(sweep, table)


def _policies(found: Swept, rows: pd.DataFrame) -> pd.Series[str]:
    if "policy" in rows:
        return rows["policy"]
    return pd.Series(found.sweep.scenario.policy.kind, rows.index)


def _lines(view: View, found: Swept) -> go.Figure | None:
    x = found.axes[0]
    by = [one for one in found.axes[1:] if one.name == "policy"]
    rows = found.cells([x, *by], view.sweep_figure)
    frame = rows.assign(policy=_policies(found, rows), x=rows[x.name])
    if x.name == "policy":
        frame["x"] = [policy_label(name) for name in frame["policy"]]
    return sweep_lines(frame, x.name, figure_of(view.sweep_figure).label, x.log)


def _heat(view: View, found: Swept) -> go.Figure | None:
    if len(found.axes) < 2:
        return None
    x, y = found.axes[:2]
    rows = found.cells([x, y], view.sweep_figure)
    frame = rows.assign(x=rows[x.name], y=rows[y.name])
    if y.name == "policy":
        frame["y"] = [policy_label(name) for name in frame["y"]]
    return sweep_heat(frame, x.name, y.name, figure_of(view.sweep_figure).label)


def _front(view: View, found: Swept) -> go.Figure | None:
    names = (view.sweep_second, view.sweep_figure)
    done = found.table["status"] == "done"
    rows = found.table[done].assign(
        first=found.scaled(names[0])[done], second=found.scaled(names[1])[done]
    )
    rows = rows.dropna(subset=["first", "second"])
    signs = [1 if figure_of(name).low_is_good else -1 for name in names]
    front = pareto(signs[0] * rows["first"], signs[1] * rows["second"])
    said = [_settings(found, row) for row in rows.to_dict("records")]
    frame = rows.assign(front=front, said=said, policy=_policies(found, rows))
    return sweep_front(frame, *(figure_of(name).label for name in names))


def _parallel(view: View, found: Swept) -> go.Figure | None:
    figures = dict.fromkeys((view.sweep_second, view.sweep_figure))
    columns = {one.name: found.table[one.name] for one in found.axes}
    columns |= {figure_of(name).label: found.scaled(name) for name in figures}
    return sweep_parallel(pd.DataFrame(columns)[found.table["status"] == "done"])


def _importance(view: View, found: Swept) -> go.Figure | None:
    rows = importance(found.table, found.sweep.parameters, view.sweep_figure)
    return sweep_importance(rows, figure_of(view.sweep_figure).label)


DRAWN: dict[str, Callable[[View, Swept], go.Figure | None]] = {
    "lines": _lines,
    "heat": _heat,
    "front": _front,
    "parallel": _parallel,
    "importance": _importance,
}


def _settings(found: Swept, row: Mapping[Any, Any]) -> str:
    return ", ".join(f"{one.name} {row[one.name]}" for one in found.axes)


def points(view: View, found: Swept) -> None:
    """Draw the table of the points, folded away; one that is picked opens as a scenario."""
    table, names = found.table, [one.name for one in found.sweep.parameters]
    figures = dict.fromkeys((view.sweep_figure, view.sweep_second))
    failed = table[table["status"] == "failed"]
    if len(failed):
        st.caption(f"{counted(len(failed), 'point')} failed: {plain(failed['reason'].iloc[0])}")
    with st.expander(f"{counted(len(table), 'point')}", icon=":material/table_rows:"):
        shown = table[names].assign(**{figure_of(n).label: found.scaled(n) for n in figures})
        if len(failed):
            shown = shown.assign(reason=table["reason"])
        st.caption("Choose a row to open it as a scenario.")
        chosen = st.dataframe(
            shown,
            hide_index=True,
            key=f"points-{found.sweep.sweep_id}",
            on_select="rerun",
            selection_mode="single-row",
        ).selection.rows
        if chosen:
            _open(view, found, int(chosen[0]))


def _open(view: View, found: Swept, row: int) -> None:
    sweep, key = found.sweep, found.table["point"].iloc[row]
    settings = next(point.settings for point in sweep.points if point.key == key)
    if not st.button(
        "Open in Explore",
        key="sweep-open",
        icon=":material/explore:",
        help="The scenario with this point's settings, on all pages.",
    ):
        return
    try:
        scenario = scenario_at(sweep.scenario, settings)
    except InputError as error:
        problem(error)
        return
    policies = (scenario.policy.kind, *(p for p in view.policies if p != scenario.policy.kind))
    knobs = {"load": 1.0, "bursts": None, "step": 1.0, "step_at": None, "step_for": None}
    set_view(view.changed(scenario=scenario, policies=policies, **knobs))
    st.switch_page("pages/explore.py")


def command(view: View) -> None:
    """Draw the command that repeats the sweep."""
    words = [f"--over {shlex.quote(text)}" for text in view.sweep_over]
    words += [f"--sample {view.sweep_sample}"] * bool(view.sweep_sample)
    words += [f"--seeds {view.sweep_seeds} --csv sweep.csv"]
    with st.expander("On a command line, on all cores or a cluster", icon=":material/terminal:"):
        said = command_line(view.effective, view.preset, "sweep")
        st.code(" ".join([said, *words]), language="bash", wrap_lines=True)
