"""The parts of the Explore page, in the order in which it shows them."""

from driftsched.studio.explore.controls import compared, controls
from driftsched.studio.explore.figures import figures_for, rests_on
from driftsched.studio.explore.headline import headline, tiles
from driftsched.studio.explore.pictures import pictures

__all__ = [
    "compared",
    "controls",
    "figures_for",
    "headline",
    "pictures",
    "rests_on",
    "tiles",
]
