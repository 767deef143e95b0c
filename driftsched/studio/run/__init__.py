"""The simulated half of the Run page, and what both halves show of a run."""

from driftsched.studio.run.command import command_line
from driftsched.studio.run.downloads import downloads
from driftsched.studio.run.headline import headline
from driftsched.studio.run.page import simulated_page
from driftsched.studio.run.power import energy
from driftsched.studio.run.watch import watch

__all__ = ["command_line", "downloads", "energy", "headline", "simulated_page", "watch"]
