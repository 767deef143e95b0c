"""Scenario: who sends what to which GPU, under which policy."""

from driftsched.studio.page import page_setup
from driftsched.studio.scenario_editor import editor

page_setup("Scenario", "Who sends what, when, to which GPU, and who decides what goes next?")
editor()
