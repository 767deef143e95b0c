"""Run: one run under one policy, simulated or on a real engine, watched as it goes."""

from driftsched.studio.live.page import live_page, world
from driftsched.studio.page import page_setup
from driftsched.studio.run.page import simulated_page

view = page_setup("Run", "What happens when?")
if world() == "live":
    live_page(view)
else:
    simulated_page(view)
