"""Entry point: ``streamlit run app.py``.

Streamlit imports this file when the server starts, and finds `app`; for each visitor it then runs
it again as a script.
"""

from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    import streamlit as st

    from driftsched.studio.server import lifespan, middleware

    app = st.App(__file__, lifespan=lifespan, middleware=middleware())
else:
    from driftsched.studio.page import frame

    frame()
