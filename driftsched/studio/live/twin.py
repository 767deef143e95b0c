"""The simulated twin of a live run: a cost model fitted to it, and the same requests simulated."""

from __future__ import annotations

from math import isfinite

import pandas as pd
import streamlit as st
import yaml

from driftsched.charts import calibration as calibration_chart
from driftsched.charts import twin as twin_chart
from driftsched.charts import twin_policies, twin_queues
from driftsched.experiments.twin import Twin, twin_warnings
from driftsched.live.calibration import Calibration
from driftsched.live.hardware_entry import entry_of, known_within, r2_text, warnings_of
from driftsched.results.wording import seconds
from driftsched.scheduling.policies import POLICIES
from driftsched.studio.downloads import csv_button, download
from driftsched.studio.live.runs import LiveJob
from driftsched.studio.live.state import LiveKey
from driftsched.studio.live.task import twin_of
from driftsched.studio.show import chart
from driftsched.studio.state import change_scenario
from driftsched.studio.waiting import result_of
from driftsched.studio.words import METRICS, plain

MEASURES = {"ttft": "First token", "tpot": "A token", "e2el": "End to end"}


def twin_section(job: LiveJob) -> None:
    """Offer to fit the cost model to the run and to simulate its requests again; draw both."""
    st.header("Simulated twin", anchor="twin")
    st.caption(
        "How far can a simulation of this engine be trusted, and what would the same requests have "
        "seen under another policy?"
    )
    if not job.saved:
        st.info("The run is not in the library, so it has no twin.", icon=":material/info:")
        return
    if not st.toggle("Fit and simulate", key=LiveKey.TWIN, persist_state="session"):
        return
    found = result_of(twin_of, (job.saved, tuple(POLICIES)), slot="twin")
    if found is not None:
        calibration, twin = found
        for warning in (*warnings_of(calibration.fit), *twin_warnings(twin)):
            st.warning(plain(warning), icon=":material/warning:")
        _distributions(twin)
        _fit(calibration)


def _distributions(twin: Twin) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        metric = st.segmented_control(
            "Measure",
            list(METRICS),
            default="e2e_s",
            required=True,
            key=LiveKey.TWIN_METRIC,
            format_func=lambda name: METRICS[name][0],
        )
        live, simulated = twin.live.requests, twin.twin.requests
        both = pd.concat([live.assign(world="live"), simulated.assign(world="simulated")])
        columns = ["world", "request_id", "tenant", "category", *METRICS]
        chart(twin_chart(live, simulated, str(metric)), both[columns], "twin")
    with right:
        _errors(twin)
    others = {name: run.requests for name, run in twin.others.items()}
    left, right = st.columns(2, gap="large")
    with left:
        curves = twin.queue_curves()
        chart(twin_queues(curves), curves, "twin-queues")
    with right:
        every = pd.concat([frame.assign(policy=name) for name, frame in others.items()])
        table = every[["policy", *columns[1:]]]
        chart(twin_policies(live, others, str(metric)), table, "twin-policies")


def error_table(twin: Twin) -> pd.DataFrame:
    """How far the twin's percentiles are off, as people read it; a dash is not known."""
    errors = twin.errors()
    return pd.DataFrame(
        {
            "Measure": errors["metric"].map(MEASURES),
            "Percentile": [f"P{level:g}" for level in errors["percentile"]],
            "Live": errors["live_ms"].map(seconds),
            "Simulated": errors["twin_ms"].map(seconds),
            "Error": [f"{error:+.1%}" if isfinite(error) else "–" for error in errors["error"]],
        }
    )


def coefficient_table(calibration: Calibration) -> pd.DataFrame:
    """The fitted coefficients, and how well each is known."""
    return pd.DataFrame(
        {
            "Coefficient": list(calibration.coefficients),
            "Seconds": [f"{value:.3g}" for value in calibration.coefficients.values()],
            "Standard error": [
                known_within(value, calibration.errors[name])
                for name, value in calibration.coefficients.items()
            ],
        }
    )


def _errors(twin: Twin) -> None:
    st.dataframe(error_table(twin), hide_index=True)
    csv_button(twin.errors(), "twin-errors", "twin-errors-csv")
    queue = twin.queue_error()
    st.caption(
        f"Waiting requests in the mean: {queue['live_mean']:.1f} live, {queue['twin_mean']:.1f} "
        f"simulated. {twin.left_out} requests that did not finish are not compared. The cost was "
        "fitted to this very run; another run tests it better."
    )


def _fit(calibration: Calibration) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        residuals = calibration.residuals
        chart(calibration_chart(residuals), residuals, "calibration")
    with right:
        st.dataframe(coefficient_table(calibration), hide_index=True)
        entry = entry_of(calibration)
        with st.container(horizontal=True):
            download(
                "Hardware entry (YAML)",
                lambda: yaml.safe_dump(entry.model_dump(mode="json"), sort_keys=False).encode(),
                "hardware.yaml",
                "twin-entry",
                "The fitted coefficients, for `--cost` on the command line or any scenario.",
            )
            st.button(
                "Use in my scenario",
                key=LiveKey.TWIN_USE,
                icon=":material/input:",
                on_click=_use,
                args=(entry.cost.model_dump(mode="json"),),
                help="Simulated runs of your scenario then cost what this engine does.",
            )
    fit = calibration.fit
    st.caption(f"{plain(entry.cost.provenance)}, {r2_text(fit)}.")


def _use(cost: dict[str, object]) -> None:
    change_scenario(cluster__cost=cost)
    st.toast("Simulated runs now use this engine's cost", icon=":material/input:")
