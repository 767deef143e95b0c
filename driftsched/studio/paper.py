"""The parts of the Paper page: which paper; each claim, published and ours; what we assume."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from driftsched.charts import claims as claims_chart
from driftsched.charts import sensitivities as sensitivities_chart
from driftsched.experiments.papers import DRIFTSCHED, PAPERS, Reproduction
from driftsched.experiments.reproduce import published
from driftsched.results.export import csv_text
from driftsched.studio import work
from driftsched.studio.downloads import download
from driftsched.studio.link import preset
from driftsched.studio.run.headline import how_sure
from driftsched.studio.scenario_editor.words import EXPLAINED, label
from driftsched.studio.show import chart
from driftsched.studio.state import Key, bound, choice, segments
from driftsched.studio.view import View
from driftsched.studio.waiting import result_of

SWITCHES = {Key.PAPER_UNIT: "unit", Key.PAPER_MODE: "mode", Key.PAPER_LENGTHS: "lengths"}


def picker() -> None:
    """Draw the choice of the paper."""
    choice("Paper", Key.PAPER, "Each has its own settings, set as published.", segments)


def reproduction(view: View) -> Reproduction | None:
    """Repeat the paper that is chosen; None while that is under way."""
    scenarios = dict(PAPERS[view.paper].scenarios)
    if view.paper == DRIFTSCHED:
        switched = view.paper_unit, view.paper_mode, view.paper_lengths
        scenarios = {"paper": published(preset("paper"), *switched)}
    found: Reproduction | None = result_of(
        work.paper, (view.paper, view.paper_seeds, scenarios), slot="paper"
    )
    return found


def switches(view: View) -> None:
    """Draw what the paper leaves open or does in two ways; the first ones are its program."""
    with st.container(horizontal=True, gap="medium"):
        if view.paper == DRIFTSCHED:
            for key, name in SWITCHES.items():
                choice(label(name), key, EXPLAINED[name], segments)
        choice(
            "Replications",
            Key.PAPER_SEEDS,
            "Each repeats the experiment with other random numbers. The paper made 3. More "
            "give narrower intervals and take longer.",
            st.select_slider,
            width=180,
        )


def claims(paper: Reproduction, view: View) -> None:
    """Draw all claims in one chart, then a line for each."""
    table = paper.claims
    st.markdown(
        f"**{int(table['holds'].sum())} of {len(table)} claims hold** over {view.paper_seeds} "
        "replications."
    )
    chart(claims_chart(table), table, "claims")
    row: Any
    for row in table.itertuples(index=False):
        text, colour, icon = verdict(row)
        interval = _interval(row)
        with st.expander(
            f":{colour}[{icon}] {row.claim}: published {_percent(row.published_percent)}, here "
            f"**{_percent(row.ours_percent)}**"
            + (f" ({interval})" if interval else "")
            + f": :{colour}[{text}]"
        ):
            st.markdown(row.explanation)


def files(paper: Reproduction, view: View) -> None:
    """Offer the numbers behind the claims, and the command that repeats them."""
    table = paper.claims
    own = view.paper == DRIFTSCHED
    name = f"claims-{view.paper}"
    if own:
        name = f"claims-{view.paper_unit}-{view.paper_mode}-{view.paper_lengths}"
    with st.container(horizontal=True):
        download(
            "Claims",
            lambda: csv_text(table).encode(),
            f"{name}.csv",
            "claims-table",
            "Claims, published and our figures, intervals and explanations, as CSV.",
        )
        download(
            "Every run's metrics",
            lambda: csv_text(paper.metrics).encode(),
            f"{name}-metrics.csv",
            "claims-metrics",
            "The metrics of each policy and replication behind these claims, as CSV.",
        )

    command = f"python -m driftsched paper {view.paper} --seeds {view.paper_seeds}"
    said = "The same on a command line:"
    if own:
        said = "The same on a command line; `compare paper` has the runs behind it:"
        more = " --assumptions" if view.paper_assumptions else ""
        command = (
            f"python -m driftsched paper --seeds {view.paper_seeds} --unit {view.paper_unit} "
            f"--engine-mode {view.paper_mode} --lengths {view.paper_lengths}{more}"
        )
    st.caption(said)
    st.code(command, language="bash", wrap_lines=True)


def verdict(row: Any) -> tuple[str, str, str]:
    """Word, colour and icon for a claim: holds, same direction only, does not hold, unknown."""
    if not math.isfinite(row.ours_percent):
        return "cannot be told", "gray", ":material/question_mark:"
    if row.holds:
        return "holds", "green", ":material/check:"
    published = row.published_percent
    if math.isfinite(published) and published * row.ours_percent > 0 and _clear(row):
        return "right direction, other size", "orange", ":material/trending_flat:"
    return "does not hold", "red", ":material/close:"


def _clear(row: Any) -> bool:
    return not row.low <= 0 <= row.high


def assumptions(paper: Reproduction) -> None:
    """List, folded away, what the paper does not say, and how sure our figures are."""
    with st.expander("What had to be assumed", icon=":material/edit_note:"):
        st.caption("The paper does not publish these; other values can give other figures.")
        st.markdown("\n".join(f"- {text}" for text in paper.assumptions))
    how_sure(
        "In brackets: 95 % intervals over the replications, by the jackknife for changes, "
        "Woodruff's for percentiles, else Student's t."
    )


def other_assumptions(view: View) -> None:
    """Offer DriftSched's claims with one assumption changed at a time."""
    if view.paper != DRIFTSCHED or not st.toggle(
        "Under other assumptions",
        help="The same claims with wider lengths, other words per token, prompts that do not name "
        "their job type; and of the last phase and of each tenant alone.",
        **bound(Key.PAPER_ASSUMPTIONS),
    ):
        return
    switched = view.paper_seeds, view.paper_unit, view.paper_mode, view.paper_lengths
    found = result_of(work.paper_assumptions, (preset("paper"), *switched), slot="assumptions")
    if found is not None:
        table, said = found
        st.markdown(said)
        chart(sensitivities_chart(table), table, "claims-by-assumption")


def _percent(value: float) -> str:
    return f"{value:+.1f} %" if math.isfinite(value) else "–"


def _interval(row: Any) -> str | None:
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        return None
    return f"{row.low:+.1f} to {row.high:+.1f} %"
