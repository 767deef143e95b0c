"""Explore: move a slider and see what every policy makes of it."""

import streamlit as st

from driftsched.studio.explore import (
    controls,
    ensemble_for,
    estimates,
    headline,
    latency,
    queues,
    service,
    sweep,
    trusted,
)
from driftsched.studio.page import page_setup

view = page_setup(
    "Explore",
    "If these tenants send this traffic to this GPU, how long do they wait under each policy?",
)
controls(view)
if not view.policies:
    st.info("Choose at least one policy to compare.", icon=":material/checklist:")
    st.stop()
ensemble = ensemble_for(view)
if ensemble is None:
    st.stop()
figures = trusted(ensemble, view)
headline(figures)
latency(figures)
queues(figures)
estimates(figures)
service(figures)
sweep(view, ensemble)
