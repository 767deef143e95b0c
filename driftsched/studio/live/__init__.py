"""Live runs on the pages: who runs what on which engine, and how it is set up and watched."""

from driftsched.studio.live.page import live_page, world
from driftsched.studio.live.runs import LiveJob, LiveRuns

__all__ = ["LiveJob", "LiveRuns", "live_page", "world"]
