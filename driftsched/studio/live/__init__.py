"""Live runs on the pages: who runs what on which engine, and how it is set up and watched."""

from driftsched.studio.live.runs import LiveJob, LiveRuns

__all__ = ["LiveJob", "LiveRuns"]
