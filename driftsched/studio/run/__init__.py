"""The simulated half of the Run page, and what both halves show of a run."""

from driftsched.studio.run.downloads import take_along
from driftsched.studio.run.headline import headline, how_sure, within
from driftsched.studio.run.page import command_line, simulated_page, watch

__all__ = [
    "command_line",
    "headline",
    "how_sure",
    "simulated_page",
    "take_along",
    "watch",
    "within",
]
